/*
 * The Mandelbrot set as a picture, drawn by all processors with bine_for.
 *
 * 1. The picture is cut into square tiles, and the loop's range is the tiles. What a tile costs differs
 *    a thousandfold, and nobody has to guess: a worker without tiles takes half of what another one
 *    still has.
 * 2. A tile belongs to whoever draws it: tiles share no pixel, so there is nothing to lock.
 * 3. It is drawn twice, by one worker and by all, and both pictures must be the same.
 */
#include <bine.h>
#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef WITH_PNG
#include <png.h>
#endif

enum {
    TILE = 32,           /* pixels: the side of a tile */
    MOST_PIXELS = 20000, /* of a side */
    MOST_ITERATIONS = 10000000,
    MOST_WORKERS = 1024,
    SHOWN_COLUMNS = 76,  /* of the map of workers */
};

struct pixel {
    uint8_t red, green, blue;
};

struct picture {
    int width, height; /* pixels */
    int columns, rows; /* tiles */
    int iterations;    /* after which a point counts as inside */
    struct pixel *pixels;
    int *drawer;       /* of each tile: a worker */
};

struct options {
    int width, height, iterations;
    unsigned workers; /* 0: one per processor */
    bool workers_view;
    const char *output;
};

static void die(const char *what, int error)
{
    fprintf(stderr, "mandelbrot: %s: %s\n", what, strerror(error));
    exit(EXIT_FAILURE);
}

/* --- drawing --- */

/* How many steps it takes the point to leave the circle of radius 2; `most` where it does not. */
static int steps_to_leave(double x, double y, int most)
{
    double re = 0, im = 0;
    int steps = 0;
    while (steps < most && re * re + im * im <= 4) {
        double next = re * re - im * im + x;
        im = 2 * re * im + y;
        re = next;
        steps++;
    }
    return steps;
}

static struct pixel colour_of(int steps, int most)
{
    static const struct pixel wheel[] = {{66, 30, 15},    {25, 7, 26},    {9, 1, 47},
                                         {4, 4, 73},      {0, 7, 100},    {12, 44, 138},
                                         {24, 82, 177},   {57, 125, 209}, {134, 181, 229},
                                         {211, 236, 248}, {241, 233, 191}, {248, 201, 95},
                                         {255, 170, 0},   {204, 128, 0},  {153, 87, 0},
                                         {106, 52, 3}};
    struct pixel inside = {0, 0, 0};
    return steps == most ? inside : wheel[steps % (int)(sizeof wheel / sizeof *wheel)];
}

/* The plane from -2.2 to 1 fills the picture's width. */
static void draw_pixel(struct picture *picture, int column, int row)
{
    double scale = 3.2 / picture->width;
    double x = -2.2 + scale * column, y = scale * (row - picture->height / 2.0);
    int steps = steps_to_leave(x, y, picture->iterations);
    picture->pixels[(size_t)row * picture->width + column] = colour_of(steps, picture->iterations);
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void draw_tile(struct picture *picture, int tile)
{
    int left = tile % picture->columns * TILE, top = tile / picture->columns * TILE;
    int right = smaller(left + TILE, picture->width), below = smaller(top + TILE, picture->height);
    for (int row = top; row < below; row++)
        for (int column = left; column < right; column++)
            draw_pixel(picture, column, row);
    picture->drawer[tile] = bine_worker();
}

static void draw_tiles(void *picture, size_t begin, size_t end)
{
    for (size_t tile = begin; tile < end; tile++)
        draw_tile(picture, (int)tile);
}

static int draw(struct picture *picture)
{
    return bine_for(0, (size_t)picture->columns * picture->rows, 0, draw_tiles, picture);
}

/* Returns how long it took, in ms. */
static double draw_with(struct picture *picture, unsigned *workers)
{
    bine_pool *pool;
    bine_pool_options options = {.name = "mandelbrot", .workers = *workers};
    int error = bine_pool_open(&pool, &options);
    if (error)
        die("cannot start workers", -error);
    *workers = bine_pool_workers(pool);
    bine_time began = bine_now();
    bine_future(int) drawn = bine_pool_async(pool, draw, picture);
    if (!drawn || bine_await(drawn) != 0)
        die("cannot draw", errno);
    double ms = (double)(bine_now() - began) / 1e6;
    bine_pool_close(pool);
    return ms;
}

/* --- who drew what --- */

/* Tints each tile with the colour of its worker, and draws its upper and left edge. */
static void tint(struct picture *picture)
{
    static const struct pixel tints[] = {{255, 80, 80},  {80, 200, 80},  {90, 120, 255},
                                         {240, 220, 60}, {220, 90, 220}, {70, 210, 210}};
    for (int row = 0; row < picture->height; row++)
        for (int column = 0; column < picture->width; column++) {
            int tile = row / TILE * picture->columns + column / TILE;
            struct pixel by = tints[picture->drawer[tile] % (int)(sizeof tints / sizeof *tints)];
            struct pixel *pixel = &picture->pixels[(size_t)row * picture->width + column];
            int share = row % TILE && column % TILE ? 96 : 255; /* of the tint, of 256 */
            pixel->red = (uint8_t)((pixel->red * (256 - share) + by.red * share) / 256);
            pixel->green = (uint8_t)((pixel->green * (256 - share) + by.green * share) / 256);
            pixel->blue = (uint8_t)((pixel->blue * (256 - share) + by.blue * share) / 256);
        }
}

static char digit_of(int worker)
{
    return "0123456789abcdefghijklmnopqrstuvwxyz"[worker % 36];
}

/* A character for each tile, or, where they are too many for a line, for each few. */
static void print_map(const struct picture *picture)
{
    int step = (picture->columns + SHOWN_COLUMNS - 1) / SHOWN_COLUMNS;
    for (int row = 0; row < picture->rows; row += step) {
        for (int column = 0; column < picture->columns; column += step)
            putchar(digit_of(picture->drawer[row * picture->columns + column]));
        putchar('\n');
    }
}

static void print_shares(const struct picture *picture, unsigned workers)
{
    int tiles = picture->columns * picture->rows;
    for (unsigned worker = 0; worker < workers; worker++) {
        int drawn = 0;
        for (int tile = 0; tile < tiles; tile++)
            drawn += picture->drawer[tile] == (int)worker;
        printf("worker %3u %c  %6d tiles  %5.1f %%\n", worker, digit_of((int)worker), drawn,
               100.0 * drawn / tiles);
    }
}

/* --- writing --- */

static bool write_ppm(const struct picture *picture, FILE *file)
{
    size_t count = (size_t)picture->width * picture->height;
    fprintf(file, "P6\n%d %d\n255\n", picture->width, picture->height);
    return fwrite(picture->pixels, sizeof *picture->pixels, count, file) == count;
}

#ifdef WITH_PNG
static bool write_png(const struct picture *picture, FILE *file)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = PNG_FORMAT_RGB};
    return png_image_write_to_stdio(&image, file, 0, picture->pixels, 0, NULL);
}
static const char usual_output[] = "mandelbrot.png";
#else
#define write_png write_ppm
static const char usual_output[] = "mandelbrot.ppm";
#endif

static void write_picture(const struct picture *picture, const char *path)
{
    size_t length = strlen(path);
    bool is_ppm = length >= 4 && strcmp(path + length - 4, ".ppm") == 0;
    FILE *file = fopen(path, "wb");
    if (!file)
        die(path, errno);
    bool written = is_ppm ? write_ppm(picture, file) : write_png(picture, file);
    if (fclose(file) != 0 || !written)
        die(path, EIO);
}

/* --- the command line --- */

static const char usage[] =
    "Usage: mandelbrot [OPTION]...\n"
    "Draws the Mandelbrot set with one worker, then with all, and prints the speed-up.\n"
    "\n"
    "  --output FILE   to FILE: a PPM where its name ends in .ppm, else a PNG where libpng is\n"
    "                  there; mandelbrot.png or mandelbrot.ppm if not said\n"
    "  --width N, --height N, --iterations N\n"
    "                  of 1200 by 800 pixels, with 2000 steps for a point, if not said\n"
    "  --workers N     with N workers, 1 to 1024, not one per processor\n"
    "  --workers-view  shows which worker drew which tile: in the picture, and as text\n"
    "  --help          prints this\n"
    "Exit status: 0; 1 if the picture could not be drawn or written; 2 for a wrong command line.\n";

static int parse_number(const char *name, const char *text, int most)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > most) {
        fprintf(stderr, "mandelbrot: --%s takes 1 to %d, not: '%s' (try --help)\n", name, most,
                text);
        exit(2);
    }
    return (int)value;
}

static struct options parse_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"output", required_argument, NULL, 'o'},     {"width", required_argument, NULL, 'w'},
        {"height", required_argument, NULL, 'h'},     {"iterations", required_argument, NULL, 'i'},
        {"workers", required_argument, NULL, 'n'},    {"workers-view", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, '?' + 256},       {NULL, 0, NULL, 0}};
    struct options options = {.width = 1200, .height = 800, .iterations = 2000,
                              .output = usual_output};
    int option;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'o')
            options.output = optarg;
        else if (option == 'w')
            options.width = parse_number("width", optarg, MOST_PIXELS);
        else if (option == 'h')
            options.height = parse_number("height", optarg, MOST_PIXELS);
        else if (option == 'i')
            options.iterations = parse_number("iterations", optarg, MOST_ITERATIONS);
        else if (option == 'n')
            options.workers = (unsigned)parse_number("workers", optarg, MOST_WORKERS);
        else if (option == 'v')
            options.workers_view = true;
        else if (option == '?' + 256)
            exit(fputs(usage, stdout) < 0 || fflush(stdout) != 0);
        else
            exit(2);
    }
    if (optind < argc) {
        fprintf(stderr, "mandelbrot: what is '%s'? (try --help)\n", argv[optind]);
        exit(2);
    }
    return options;
}

static struct picture make_picture(const struct options *options)
{
    struct picture picture = {.width = options->width,
                              .height = options->height,
                              .columns = (options->width + TILE - 1) / TILE,
                              .rows = (options->height + TILE - 1) / TILE,
                              .iterations = options->iterations};
    picture.pixels = calloc((size_t)picture.width * picture.height, sizeof *picture.pixels);
    picture.drawer = calloc((size_t)picture.columns * picture.rows, sizeof *picture.drawer);
    if (!picture.pixels || !picture.drawer)
        die("no room for the picture", ENOMEM);
    return picture;
}

static void free_picture(struct picture *picture)
{
    free(picture->pixels);
    free(picture->drawer);
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
    struct picture alone = make_picture(&options), picture = make_picture(&options);
    unsigned one = 1, workers = options.workers;
    double alone_ms = draw_with(&alone, &one);
    double ms = draw_with(&picture, &workers);
    size_t size = (size_t)picture.width * picture.height * sizeof *picture.pixels;
    if (memcmp(alone.pixels, picture.pixels, size) != 0) {
        fprintf(stderr, "mandelbrot: the pictures differ\n");
        return EXIT_FAILURE;
    }
    if (options.workers_view) {
        print_map(&picture);
        tint(&picture);
    }
    write_picture(&picture, options.output);
    print_shares(&picture, workers);
    printf("%s: %d x %d pixels, %d tiles\n", options.output, picture.width, picture.height,
           picture.columns * picture.rows);
    printf("one worker %.1f ms, %u workers %.1f ms: speed-up %.2f\n", alone_ms, workers, ms,
           alone_ms / ms);
    free_picture(&alone);
    free_picture(&picture);
    return fflush(stdout) != 0 || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
