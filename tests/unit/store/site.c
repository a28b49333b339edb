// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

#include "site.h"

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

store_id site_put(struct site *s, uint32_t i, uint32_t b)
{
	struct store_subscriber sub;
	store_id id;

	test_subscriber(i, b, &sub);
	id = fixture_put(s->env, &sub);
	fixture_commit(s->env);
	return id;
}

store_id site_find_btid(struct site *s, uint32_t b)
{
	char btid[STORE_NAI_MAX + 1];

	test_btid(b, btid);
	assert_true(store_reader_renew(s->r) >= 0);
	return store_reader_find_btid(s->r, btid);
}

uint8_t site_flags(struct site *s, store_id id)
{
	assert_true(store_reader_renew(s->r) >= 0);
	return store_hot_flags(store_reader_hot(s->r, id));
}
