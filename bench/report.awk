# The table of bench/run. Input: program, row, workers, value, unit, separated by tabs; the value is
# - where a run failed, and the unit says why. Variables: programs (bine first), format (plain or
# markdown).

BEGIN {
    FS = "\t"
    program_count = split(programs, name, " ")
    table_rows = 0 # without the heading, which is row 0
}

function higher_is_better(unit) {
    return unit == "speed-up" || unit == "req/s"
}

function better(a, b, unit) {
    return higher_is_better(unit) ? a > b : a < b
}

$4 == "-" {
    failures[++failure_count] = $1 " " $2 " " $3 ": " $5
    failed[$2, $3, $1] = 1
}

{
    line = $2 SUBSEP $3
    if (!(line in seen)) {
        seen[line] = 1
        line_row[++line_count] = $2
        line_workers[line_count] = $3
    }
}

$4 != "-" {
    key = line SUBSEP $1
    value = $4 + 0
    unit_of[line] = $5
    has_values[$1] = 1
    if (!(key in best) || better(value, best[key], $5))
        best[key] = value
    if (!(key in worst) || better(worst[key], value, $5))
        worst[key] = value
}

function number(value, size) {
    size = value < 0 ? -value : value
    if (size >= 1000)
        return sprintf("%.0f", value)
    return sprintf(size >= 100 ? "%.1f" : "%.2f", value)
}

function cell_of(line, program, key) {
    key = line SUBSEP program
    if (key in best)
        return number(best[key])
    return key in failed ? "failed" : ""
}

# How far bine's worst round was from its best.
function spread_of(line, key, quotient) {
    key = line SUBSEP "bine"
    if (!(key in best) || best[key] <= 0 || worst[key] <= 0)
        return ""
    quotient = worst[key] / best[key]
    if (quotient < 1)
        quotient = 1 / quotient
    return sprintf("%.0f %%", 100 * (quotient - 1))
}

function best_peer(line, i, winner, key) {
    winner = ""
    for (i = 2; i <= program_count; i++) {
        key = line SUBSEP name[i]
        if (key in best && (winner == "" || better(best[key], best[line, winner], unit_of[line])))
            winner = name[i]
    }
    return winner
}

function ratio_of(line, peer, key, mark) {
    key = line SUBSEP "bine"
    if (peer == "" || !(key in best) || best[line, peer] <= 0)
        return ""
    compared++
    mark = "  "
    if (better(best[line, peer], best[key], unit_of[line])) {
        behind++
        mark = " *"
    }
    return sprintf("%.2f%s", best[key] / best[line, peer], mark)
}

function add_cell(text) {
    cell[table_rows, ++columns] = text
    if (length(text) > width[columns])
        width[columns] = length(text)
}

function fill_table(i, n, line, peer) {
    columns = 0
    add_cell("row"); add_cell("unit"); add_cell("workers"); add_cell("bine"); add_cell("spread")
    for (i = 2; i <= program_count; i++)
        if (name[i] in has_values)
            add_cell(name[i])
    add_cell("best peer"); add_cell("ratio  ") # as wide as its mark
    for (n = 1; n <= line_count; n++) {
        line = line_row[n] SUBSEP line_workers[n]
        peer = best_peer(line)
        table_rows++
        columns = 0
        add_cell(line_row[n]); add_cell(unit_of[line]); add_cell(line_workers[n])
        add_cell(cell_of(line, "bine")); add_cell(spread_of(line))
        for (i = 2; i <= program_count; i++)
            if (name[i] in has_values)
                add_cell(cell_of(line, name[i]))
        add_cell(peer); add_cell(ratio_of(line, peer))
    }
}

# Names to the left, numbers to the right.
function is_name(column) {
    return column <= 2 || column == columns - 1
}

function padded(text, column) {
    return sprintf("%" (is_name(column) ? "-" : "") width[column] "s", text)
}

function print_row(n, text, column) {
    text = padded(cell[n, 1], 1)
    for (column = 2; column <= columns; column++)
        text = text (format == "markdown" ? " | " : "  ") padded(cell[n, column], column)
    print format == "markdown" ? "| " text " |" : text
}

function print_rule(text, column, dashes) {
    text = "|"
    for (column = 1; column <= columns; column++) {
        dashes = sprintf("%" (width[column] + 1) "s", "")
        gsub(/ /, "-", dashes)
        text = text dashes (is_name(column) ? "-" : ":") "|"
    }
    print text
}

END {
    fill_table()
    print_row(0)
    if (format == "markdown")
        print_rule()
    for (i = 1; i <= table_rows; i++)
        print_row(i)
    print ""
    if (compared)
        printf "ratio: bine / best peer. bine leads in %d of %d; * marks where a peer does.\n",
               compared - behind, compared
    if (failure_count && format == "markdown")
        print ""
    for (i = 1; i <= failure_count; i++)
        print (format == "markdown" ? "- " : "") "failed: " failures[i]
}
