# What the plots of the bench share: report/Plots.cs sets the rest. All values are nanoseconds.

# Lines differ by colour, dash and mark: a print without colour can be read, too.
set style line 1 lc rgb '#0072b2' dt 1 lw 2 pt 5 ps 0.9
set style line 2 lc rgb '#d55e00' dt 2 lw 2 pt 7 ps 0.9
set style line 3 lc rgb '#009e73' dt 4 lw 2 pt 9 ps 1.1
set style line 4 lc rgb '#aa3377' dt 5 lw 2 pt 12 ps 1.2
set style line 5 lc rgb '#000000' dt 1 lw 2 pt 6 ps 1
set style line 6 lc rgb '#e69f00' dt 2 lw 2 pt 4 ps 0.9
set style line 7 lc rgb '#56b4e9' dt 4 lw 2 pt 8 ps 1.1
set style line 8 lc rgb '#777777' dt 5 lw 2 pt 10 ps 1.1
set style line 9 lc rgb '#66aa00' dt 1 lw 2 pt 11 ps 1.1
set style line 10 lc rgb '#882255' dt 2 lw 2 pt 13 ps 1.1
set style line 20 lc rgb '#999999' lw 1.5 pt 2 ps 0.8

set logscale xy
set autoscale xfix
set offsets graph 0.04, graph 0.04, graph 0.04, graph 0.04
thread_tics = "('1' 1, '2' 2, '4' 4, '8' 8, '16' 16, '64' 64)"
other_tics = "('1' 1, '10' 10, '100' 100, '1,000' 1000, '10,000' 10000, '100,000' 1e5, '1,000,000' 1e6, '10,000,000' 1e7)"
set ytics ('1 ns' 1, '10 ns' 10, '100 ns' 100, '1 us' 1e3, '10 us' 1e4, '100 us' 1e5, '1 ms' 1e6, '10 ms' 1e7, '100 ms' 1e8, '1 s' 1e9, '10 s' 1e10)
set grid xtics ytics lc rgb '#dddddd' lt 1
set key bmargin center horizontal maxcols 2
