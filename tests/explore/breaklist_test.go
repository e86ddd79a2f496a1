package explore_test

var breaks = []brk{
	{
		rule: "a write whose reply was lost is recognised",
		file: "write.go",
		old:  "case !absent && env.write == w.env.write:",
		new:  "case !absent && env.write == w.env.write && false:",
		run:  "^user$/^update-job$",
	},
	{
		rule: "a conflict makes the changes again",
		file: "write.go",
		old:  "	return s.replay(s.changes)\n",
		new:  "	return nil\n",
		run:  "^user$/^update-update$",
	},
	{
		rule: "no write brings back a session that ended",
		file: "write.go",
		old:  "		err = s.restart(errEnded)\n",
		new:  "		s.stored, err = false, nil\n",
		run:  "^user$/^update-revoke$",
	},
	{
		rule: "a panic discards",
		file: "exchange.go",
		old:  "		s.discard()\n",
		new:  "		_ = s.finish()\n",
		run:  "^user$/^read-panic$",
	},
	{
		rule: "a change after the header is saved",
		file: "commit.go",
		old:  "	defer s.x.phase.Store(finished)\n	err := s.flush(s.x.Context, false)\n",
		new:  "	defer s.x.phase.Store(finished)\n	var err error\n",
		run:  "^user$/^read-early$",
	},
	{
		rule: "StoreTimeout bounds a commit",
		file: "commit.go",
		old:  "	b := bound(context.WithoutCancel(ctx), timeout)\n",
		new:  "	b := bound(context.WithoutCancel(ctx), 2*timeout)\n",
		run:  "^user$/^read-update$",
	},
	{
		rule: "a failed commit is an error",
		file: "commit.go",
		old:  "	if err != nil && err != errEnded && !optional {\n",
		new:  "	if err != nil && err != errEnded && !optional && false {\n",
		run:  "^no_reply$/^update$",
	},
	{
		rule: "an unknown outcome is read before it is tried again",
		file: "write.go",
		old:  "	case rec.Version == w.rec.Version:\n",
		new:  "	case rec.Version >= w.rec.Version:\n",
		run:  "^user$/^update-update$",
	},
}
