// SPDX-License-Identifier: MIT

// A Go program that calls C. Its runtime has a handler on every signal, and interrupts its
// threads by one.
package main

// #cgo CFLAGS: -I${SRCDIR}/.. -O2 -g -Wall -fpatchable-function-entry=5
// #cgo LDFLAGS: -ldl
// #include "work.h"
// extern uint64_t goSquare(uint64_t value);
// static inline uint64_t work_back(uint64_t value) { return work_call(goSquare, value); }
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const goroutines = 6

// Called from C: back on the stack of the goroutine.
//
//export goSquare
func goSquare(value C.uint64_t) C.uint64_t {
	return value * value
}

func check(good bool, what string, number uint64) {
	if !good {
		fmt.Fprintln(os.Stderr, "wrong:", what, number)
		os.Exit(1)
	}
}

func main() {
	var finish atomic.Bool
	var wait sync.WaitGroup
	var calls [goroutines]atomic.Uint64

	for g := range calls {
		wait.Add(1)
		go func(mine *atomic.Uint64, i uint64) {
			defer wait.Done()
			for ; !finish.Load(); i++ {
				C.work_verify(C.ulong(i))
				check(C.work_back(C.uint64_t(i)) == C.uint64_t(i*i+1), "square of", i)
				garbage := make([]byte, 1000+i%5000)
				garbage[i%1000] = byte(i)
				mine.Add(1)
				if i%64 == 0 {
					time.Sleep(100 * time.Microsecond)
				}
			}
		}(&calls[g], uint64(g))
	}
	for C.work_continues(20) != 0 {
		runtime.GC()
		time.Sleep(2 * time.Millisecond)
	}
	for g := range calls {
		for calls[g].Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	finish.Store(true)
	wait.Wait()
	fmt.Printf("%#x\n", uint64(C.work_checksum()))
}
