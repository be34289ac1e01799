/* SPDX-License-Identifier: MIT */
/*
 * native.c - the native methods of Host.java. Compiled with -fpatchable-function-entry=5.
 */
#include <jni.h>

#include "../work.h"

JNIEXPORT jlong JNICALL Java_Host_workUnit(JNIEnv *env, jclass class, jlong seed)
{
	(void)env, (void)class;
	return (jlong)work_unit((uint64_t)seed);
}

JNIEXPORT jlong JNICALL Java_Host_workChecksum(JNIEnv *env, jclass class)
{
	(void)env, (void)class;
	return (jlong)work_checksum();
}

JNIEXPORT jboolean JNICALL Java_Host_workContinues(JNIEnv *env, jclass class, jlong least)
{
	(void)env, (void)class;
	return work_continues((unsigned long)least) ? JNI_TRUE : JNI_FALSE;
}

JNIEXPORT jlong JNICALL Java_Host_workBack(JNIEnv *env, jclass class, jlong value)
{
	jmethodID square = (*env)->GetStaticMethodID(env, class, "square", "(J)J");

	return square ? (*env)->CallStaticLongMethod(env, class, square, value) : -1;
}
