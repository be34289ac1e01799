/* SPDX-License-Identifier: MIT */
/* A constructor that calls the library, with the loader's lock held. */
extern void from_constructor(void);

int constructor_plugin;

__attribute__((constructor)) static void constructor(void)
{
	from_constructor();
}

__attribute__((destructor)) static void destructor(void)
{
	from_constructor();
}
