// SPDX-License-Identifier: MIT
//
// rust.rs - a program whose functions are traced by the names that Rust programmers write.
// rust.sh compiles it.
use std::ffi::{c_char, c_ulong, c_void, CStr, CString};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;

pub mod shop {
    use std::hint::black_box;

    pub trait Price {
        fn price(&self, x: i32) -> i32;
    }

    pub struct Cart<T>(pub T);

    impl<T> Price for Cart<T> {
        #[inline(never)]
        fn price(&self, x: i32) -> i32 {
            black_box(x) + 1
        }
    }

    impl<T> Cart<T> {
        #[inline(never)]
        pub fn each<U>(&self, x: i32) -> i32 {
            black_box(x) + std::mem::size_of::<U>() as i32
        }
    }

    impl Price for i32 {
        #[inline(never)]
        fn price(&self, x: i32) -> i32 {
            black_box(x) - 1
        }
    }

    pub mod elsewhere {
        use std::hint::black_box;

        impl super::Cart<u8> {
            #[inline(never)]
            pub fn special(&self, x: i32) -> i32 {
                black_box(x) * 3
            }
        }
    }

    #[inline(never)]
    pub fn total(x: i32) -> i32 {
        let add = move |y: i32| black_box(y) + x;
        let called: &dyn Fn(i32) -> i32 = black_box(&add);
        called(3)
    }

    #[inline(never)]
    pub fn count<const N: usize>(x: i32) -> i32 {
        black_box(x) + N as i32
    }

    #[inline(never)]
    #[allow(clippy::ptr_arg, unused)]
    pub fn mixed(t: (u8, &str), f: fn(i32) -> i32, s: &[Option<u16>]) -> i32 {
        f(black_box(s.len() as i32))
    }
}

#[repr(C)]
struct Ops {
    size: usize,
    func: extern "C" fn(c_ulong, c_ulong, *mut Ops, *mut c_void),
    flags: c_ulong,
    data: *mut c_void,
}

// struct ftrace_site
#[repr(C)]
struct Site {
    size: usize,
    ip: c_ulong,
    function: c_ulong,
    name: *const c_char,
    object: *const c_char,
    users: c_ulong,
    display: *const c_char,
}

#[link(name = "ftrace")]
extern "C" {
    fn ftrace_set_filter(ops: *mut Ops, pattern: *const c_char, len: usize, reset: i32) -> i32;
    fn ftrace_register_function(ops: *mut Ops) -> i32;
    fn ftrace_unregister_function(ops: *mut Ops) -> i32;
    fn ftrace_free_filter(ops: *mut Ops) -> i32;
    fn ftrace_set_print(print: extern "C" fn(*const c_char)) -> i32;
    fn ftrace_for_each_site(f: extern "C" fn(*const Site, *mut c_void) -> i32, data: *mut c_void, flags: u32) -> i32;
}

static HITS: AtomicU64 = AtomicU64::new(0);

extern "C" fn hit(_ip: c_ulong, _parent_ip: c_ulong, _ops: *mut Ops, _regs: *mut c_void) {
    HITS.fetch_add(1, Relaxed);
}

extern "C" fn show(site: *const Site, data: *mut c_void) -> i32 {
    let display = unsafe { CStr::from_ptr((*site).display) }.to_string_lossy().into_owned();
    unsafe { (*data.cast::<Vec<String>>()).push(display) };
    0
}

static NEAREST: Mutex<String> = Mutex::new(String::new());

extern "C" fn print(line: *const c_char) {
    let line = unsafe { CStr::from_ptr(line) }.to_string_lossy().into_owned();
    if let Some((_, name)) = line.split_once("; the nearest name is ") {
        *NEAREST.lock().unwrap() = name.trim_end().to_string();
    }
}

fn identity(x: i32) -> i32 {
    x
}

// Calls each function once.
fn work() -> i32 {
    use shop::Price;
    let cart = black_box(shop::Cart(1i64));
    let mut sum = cart.price(1) + cart.each::<u8>(2) + cart.each::<u16>(2) + black_box(5i32).price(2);
    sum += black_box(shop::Cart(1u8)).special(2) + shop::total(3) + shop::count::<3>(1) + shop::count::<4>(1);
    sum + shop::mixed(black_box((1, "a")), black_box(identity), black_box(&[None, Some(3)]))
}

// How many calls of work() a pattern's functions take; -2: there are none.
fn hits_of(pattern: &str) -> i64 {
    let mut ops = Ops { size: std::mem::size_of::<Ops>(), func: hit, flags: 0, data: std::ptr::null_mut() };
    let text = CString::new(pattern).unwrap();
    unsafe {
        let error = ftrace_set_filter(&mut ops, text.as_ptr(), 0, 1);
        if error != 0 {
            ftrace_free_filter(&mut ops);
            return error as i64;
        }
        assert_eq!(ftrace_register_function(&mut ops), 0);
        HITS.store(0, Relaxed);
        assert_eq!(work(), work());
        let hits = HITS.load(Relaxed) as i64;
        assert_eq!(ftrace_unregister_function(&mut ops), 0);
        assert_eq!(ftrace_free_filter(&mut ops), 0);
        assert_eq!(hits % 2, 0);
        hits / 2
    }
}

fn main() {
    let v0 = std::env::args().nth(1).unwrap() == "v0";
    let mut shown: Vec<String> = Vec::new();
    unsafe { ftrace_for_each_site(show, (&mut shown as *mut Vec<String>).cast(), 0) };

    // Pattern, hits with the newer symbols, and with the older ones, which have no arguments of functions.
    let table: &[(&str, i64, i64)] = &[
        ("rust::shop::total", 1, 1),
        ("rust::shop::tota", -2, -2),
        ("shop::total", -2, -2),
        ("*shop::total", 1, 1),
        ("rust::shop::total::{{closure}}", 1, 1),
        ("rust::shop::total::{closure#0}", 1, -2),
        ("rust::shop::Cart::price", 1, 1),
        ("rust::shop::Cart<i64>::price", 1, -2),
        ("rust::shop::Cart<u64>::price", -2, -2),
        ("<rust::shop::Cart as rust::shop::Price>::price", 1, 1),
        ("<rust::shop::Cart<i64> as rust::shop::Price>::price", 1, -2),
        ("<rust::shop::Cart<T> as rust::shop::Price>::price", -2, 1),
        ("<* as rust::shop::Price>::price", 2, 2),
        ("<i32 as rust::shop::Price>::price", 1, 1),
        ("i32::price", 1, 1),
        ("rust::shop::Cart::each", 2, 2),
        ("rust::shop::Cart<i64>::each", 2, -2),
        ("rust::shop::Cart<T>::each", -2, 2),
        ("rust::shop::Cart<i64>::each::<u16>", 1, -2),
        ("<rust::shop::Cart<i64>>::each::<u16>", 1, -2),
        ("rust::shop::Cart::special", 1, 1),
        ("rust::shop::count", 2, 2),
        ("rust::shop::count::<4>", 1, -2),
        ("rust::shop::mixed", 1, 1),
        ("rust::identity", 1, 1),
    ];
    let mut failed = false;
    for &(pattern, new, old) in table {
        let expected = if v0 { new } else { old };
        let hits = hits_of(pattern);
        if hits != expected {
            eprintln!("{pattern}: {hits} instead of {expected}");
            failed = true;
        }
    }

    // Without the crate, or with a mistake: the name that was meant, in full.
    let meant: &[(&str, &str, &str)] = &[
        ("shop::total", "rust::shop::total", "rust::shop::total"),
        ("shop::toatl", "rust::shop::total", "rust::shop::total"),
        (
            "shop::Cart::price",
            "<rust::shop::Cart<i64> as rust::shop::Price>::price",
            "<rust::shop::Cart<T> as rust::shop::Price>::price",
        ),
        ("Cart<i64>::price", "<rust::shop::Cart<i64> as rust::shop::Price>::price", ""),
        (
            "Cart::special",
            "<rust::shop::Cart<u8>>::special",
            "rust::shop::elsewhere::<impl rust::shop::Cart<u8>>::special",
        ),
        ("nobody::has_this", "", ""),
    ];
    assert_eq!(unsafe { ftrace_set_print(print) }, 0);
    for &(pattern, new, old) in meant {
        NEAREST.lock().unwrap().clear();
        assert_eq!(hits_of(pattern), -2);
        let nearest = NEAREST.lock().unwrap().clone();
        if nearest != if v0 { new } else { old } {
            eprintln!("{pattern}: the nearest name is {nearest}");
            failed = true;
        }
    }

    // What is shown selects it again, in full.
    for name in shown.iter().filter(|name| name.contains("shop::")) {
        assert!(!name.starts_with("_R") && !name.contains("::h") && !name.contains("17h"), "{name}");
        let escaped = name.replace('[', "\\[");
        let least = if name.contains("vtable") { 0 } else { 1 };
        if hits_of(&escaped) < least {
            eprintln!("{name} does not select itself");
            failed = true;
        }
    }
    assert!(shown.iter().any(|name| name == "rust::shop::total"));
    std::process::exit(failed as i32);
}
