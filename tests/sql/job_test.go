package sql_test

const jobVar = "SESSION_TESTS_JOB"

func doJob() {}
