// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "conf_text.h"

#include <errno.h>
#include <string.h>

#include "test.h"

struct conf conf;
char why[CONF_WHY_MAX];

int read_text(const char *yaml)
{
	conf_init(&conf);
	why[0] = '\0';
	return conf_parse(&conf, "f.yaml", yaml, strlen(yaml), why);
}

void expect_refused(const char *yaml, const char *message)
{
	assert_int_equal(read_text(yaml), -EINVAL);
	assert_string_equal(why, message);
}
