// SPDX-License-Identifier: MIT
//
// left_cxx.cpp - the part of left.c that has objects to destroy, and exceptions.
extern "C" {
int tf(int x);
int tg(int x);
void object_destroyed(void);
void call_with_object(void);
int call_and_catch(void);
void throw_value(void);
int with_object(int x);
}

#define VALUE 4711

// Destroyed when an exception, or the end of a thread, passes.
struct object {
	~object()
	{
		object_destroyed();
	}
};

__attribute__((noipa)) void call_with_object()
{
	object here;

	tf(1);
}

int call_and_catch()
{
	try {
		call_with_object();
	} catch (int value) {
		return value == VALUE;
	}
	return 0;
}

void throw_value()
{
	throw VALUE;
}

__attribute__((noipa, patchable_function_entry(5))) int with_object(int x)
{
	object here;

	return tg(x);
}
