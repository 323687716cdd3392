/* SPDX-License-Identifier: MIT */
/* Unit tests of sim/sim_timer.c. */
#include "world_fixture.h"

#include "sim/sim_timer.h"

struct shot {
	uv_timer_t timer;
	int64_t due;
	int fired, wanted;
	bool early;
};

static void on_timer(uv_timer_t *timer)
{
	struct shot *s = timer->data;
	/* Delays of a fraction of a millisecond, from moments that are one. */
	int64_t delay = 300001 + 170003 * (s->fired % 7);

	if (sim_timer_now_ns() < s->due)
		s->early = true;
	if (++s->fired == s->wanted)
		return;
	s->due = sim_timer_now_ns() + delay;
	sim_timer_start(timer, on_timer, delay);
}

/* A timer never fires before its time. */
static void test_sim_timer_never_early(void **state)
{
	struct world_fixture f = {0};
	struct shot s = {.wanted = 200};

	fixture_init(&f);
	s.timer.data = &s;
	uv_timer_init(&f.loop, &s.timer);
	sim_timer_start(&s.timer, on_timer, 0);
	while (s.fired < s.wanted)
		fixture_turn(&f);
	assert_false(s.early);
	/* Nothing to wait for: the next turn of the loop. */
	s.fired = 0;
	s.wanted = 1;
	sim_timer_start(&s.timer, on_timer, -5);
	assert_int_equal(s.fired, 0);
	fixture_turn(&f);
	assert_int_equal(s.fired, 1);
	uv_close((uv_handle_t *)&s.timer, NULL);
	fixture_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sim_timer_never_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
