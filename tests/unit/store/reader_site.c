// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "reader_site.h"

int site_set_up(void **state)
{
	struct site *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->env = fixture_open();
	s->r = test_reader(s->env);
	*state = s;
	return 0;
}

int site_tear_down(void **state)
{
	struct site *s = *state;

	store_reader_destroy(s->r);
	fixture_close(s->env);
	free(s);
	return 0;
}

void site_see(struct site *s)
{
	fixture_commit(s->env);
	assert_int_equal(store_reader_renew(s->r), 1);
}
