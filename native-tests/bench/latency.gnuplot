# Draws the latency curves of the bench: gnuplot -c latency.gnuplot DATA OUTPUT MACHINE
# DATA is what latency.c writes: a block for each number of threads.

data = ARG1
output_file = ARG2
machine = ARG3

if (strlen(output_file) > 4 && output_file[strlen(output_file) - 3:] eq '.png') \
	set terminal pngcairo size 1500,640 font 'sans,12' noenhanced; \
else \
	set terminal svg size 1500,640 font 'sans,12' background 'white' noenhanced
set output output_file

stats data using 2 nooutput
blocks = STATS_blocks
breakpoints = STATS_columns > 4
high = 0
low = 1e9
do for [column = 2 : (breakpoints ? 6 : 4)] {
	stats data using column nooutput
	high = STATS_max > high ? STATS_max : high
	low = STATS_min < low ? STATS_min : low
}

# Lines differ by colour, dash and mark: a print without colour can be read, too.
set style line 1 lc rgb '#0072b2' dt 1 lw 2 pt 5 ps 0.9
set style line 2 lc rgb '#d55e00' dt 2 lw 2 pt 7 ps 0.9
set style line 3 lc rgb '#009e73' dt 4 lw 2 pt 9 ps 1.1
set style line 4 lc rgb '#aa3377' dt 5 lw 2 pt 12 ps 1.2
set style line 5 lc rgb '#000000' dt 1 lw 2 pt 6 ps 1
set style line 9 lc rgb '#999999' lw 1.5 pt 2 ps 0.8

set logscale xy
set xrange [0.7:140000]
set yrange [low / 1.5:high * 1.5]
set xtics ('1' 1, '10' 10, '100' 100, '1,000' 1000, '10,000' 10000, '100,000' 100000)
set ytics ('10 ns' 0.01, '100 ns' 0.1, '1 us' 1, '10 us' 10, '100 us' 100, '1 ms' 1000, \
	'10 ms' 1e4, '100 ms' 1e5, '1 s' 1e6, '10 s' 1e7)
set grid xtics ytics lc rgb '#dddddd' lt 1
set xlabel 'locations changed at once'
set key bmargin center horizontal maxcols 3

set multiplot layout 1, (breakpoints ? 3 : 2) margins 0.075, 0.975, 0.22, 0.83 spacing 0.04, 0 \
	title "The longest time that a thread stands still during one change, by threads and locations\n" \
	. machine . "; medians over all changes" font ',14'

threads(block) = word('1 2 4 16 64', block) . (block > 1 ? ' threads' : ' thread')

set ylabel 'time a thread stands still'
set title 'Stop, as the library measures it'
plot for [i = 1 : blocks] data index i - 1 using 1:2 with linespoints ls i title threads(i)

unset ylabel
set format y ''
set ytics ('' 0.01, '' 0.1, '' 1, '' 10, '' 100, '' 1000, '' 1e4, '' 1e5, '' 1e6, '' 1e7)
set title 'Stop, as a running thread sees it'
plot for [i = 1 : blocks] data index i - 1 using 1:3 with linespoints ls i title threads(i), \
	data using 1:4 with points ls 9 title 'no change'

if (breakpoints) {
	set title 'Breakpoint, as a running thread sees it'
	plot for [i = 1 : blocks] data index i - 1 using 1:5 with linespoints ls i title threads(i), \
		data using 1:6 with points ls 9 title 'no change'
}
unset multiplot
