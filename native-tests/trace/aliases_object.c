/* SPDX-License-Identifier: MIT */
/*
 * aliases_object.c - indirect functions that a shared object exports. The loader asks for
 * them by name; for the address of one when it opens the object, and for one that is only
 * called at the first call.
 */

static int object_this(int x)
{
	return x + 1;
}
static int object_called_this(int x)
{
	return x + 2;
}
static int object_uncalled_this(int x)
{
	return x + 3;
}

static int (*choose_pick(void))(int)
{
	return object_this;
}
static int (*choose_called(void))(int)
{
	return object_called_this;
}
static int (*choose_uncalled(void))(int)
{
	return object_uncalled_this;
}

int object_pick(int) __attribute__((ifunc("choose_pick")));
int object_called(int) __attribute__((ifunc("choose_called")));
int object_uncalled(int) __attribute__((ifunc("choose_uncalled")));

int (*volatile object_pointer)(int) = object_pick;

int call_object(int which)
{
	if (which == 0)
		return object_pointer(1);
	return which == 1 ? object_called(1) : object_uncalled(1);
}
