// SPDX-License-Identifier: Apache-2.0
// Copyright the mskpush authors

// mskpush, the operator's command. It knows nothing but the daemon's admin socket.

#include "cli.h"
#include "http.h"

#include <stdio.h>

static int verb_run(struct cli *cli, const struct cli_verb *verb, const struct cli_args *args)
{
	int code = http_create(cli);

	if (code == 0)
		code = verb->run(cli, args);
	http_destroy(cli);
	return code;
}

int main(int argc, char **argv)
{
	const struct cli_verb *verb = NULL;
	struct cli_args args = {0};
	struct cli cli = {0};
	int code = args_read(&cli, argc, argv, &verb, &args);

	if (code == 0 && args.option[OPT_VERSION] != NULL)
		printf("mskpush %s\n", MSKPUSH_VERSION);
	else if (code == 0 && verb == NULL)
		help_all();
	else if (code == 0 && args.option[OPT_HELP] != NULL)
		help_verb(verb);
	else if (code == 0)
		code = verb_run(&cli, verb, &args);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(&cli, CLI_FAILED, "output", "standard output takes no more");
	return code;
}
