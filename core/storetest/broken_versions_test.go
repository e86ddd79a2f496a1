package storetest_test

import (
	"context"
	"time"

	session "github.com/gostateful/session/core"
)

var brokenVersions = []breakage{
	{law: "VersionsAreExact", name: "shows the version before", spoil: changeVersions(func(r session.Record) (uint64, bool) { return r.Version - 1, true })},
	{law: "VersionsAreExact", name: "leaves out who has not logged in", spoil: changeVersions(func(r session.Record) (uint64, bool) { return r.Version, r.Subject != "" })},
	{law: "VersionsAreExact", name: "cuts a version", spoil: changeVersions(func(r session.Record) (uint64, bool) { return uint64(uint32(r.Version)), true })},
	{law: "VersionsShowLiveOnly", name: "shows what has expired", spoil: func(s *spoiled) {
		s.versions = func(_ context.Context, ids []session.ID) (map[session.ID]uint64, error) {
			s.Mu.Lock()
			defer s.Mu.Unlock()
			versions := map[session.ID]uint64{}
			for _, id := range ids {
				if r, ok := s.Records[id]; ok {
					versions[id] = r.Version
				}
			}
			return versions, nil
		}
	}},
	{law: "VersionsShowLiveOnly", name: "shows zero for what is absent", spoil: onVersions(func(ids []session.ID, versions map[session.ID]uint64) {
		for _, id := range ids {
			versions[id] += 0
		}
	})},
	{law: "VersionsOfMany", name: "takes 512", spoil: onVersions(func(ids []session.ID, versions map[session.ID]uint64) {
		for _, id := range ids[min(512, len(ids)):] {
			delete(versions, id)
		}
	})},
	{law: "VersionsOfMany", name: "is confused by an ID that comes twice", spoil: onVersions(func(ids []session.ID, versions map[session.ID]uint64) {
		seen := map[session.ID]bool{}
		for _, id := range ids {
			if seen[id] {
				delete(versions, id)
			}
			seen[id] = true
		}
	})},
	{law: "VersionsFollow", name: "remembers", spoil: remembersVersions},
	{law: "VersionsFollow", name: "counts touches", spoil: changeVersions(func(r session.Record) (uint64, bool) {
		if r.ExpiresAt.After(time.Now().Add(time.Hour)) {
			r.Version++
		}
		return r.Version, true
	})},
	{law: "VersionsCancelled", name: "shows nothing and says nothing", spoil: func(s *spoiled) {
		s.versions = func(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
			versions, _ := s.reference.Versions(ctx, ids)
			return versions, nil
		}
	}},
	{law: "VersionsCancelled", name: "finds nothing", spoil: func(s *spoiled) {
		s.versions = func(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
			versions, err := s.reference.Versions(ctx, ids)
			if err != nil {
				err = session.ErrNotFound
			}
			return versions, err
		}
	}},
	{law: "EngineTellsWatchers", name: "remembers versions", spoil: remembersVersions},
	{law: "EngineTellsWatchers", name: "shows one of them", spoil: onVersions(func(ids []session.ID, versions map[session.ID]uint64) {
		for _, id := range ids[min(1, len(ids)):] {
			delete(versions, id)
		}
	})},
}

// onVersions changes what Versions returns.
func onVersions(change func(ids []session.ID, versions map[session.ID]uint64)) func(s *spoiled) {
	return func(s *spoiled) {
		s.versions = func(ctx context.Context, ids []session.ID) (map[session.ID]uint64, error) {
			versions, err := s.reference.Versions(ctx, ids)
			if err == nil {
				change(ids, versions)
			}
			return versions, err
		}
	}
}

// changeVersions changes what Versions shows of each record, or hides it.
func changeVersions(change func(r session.Record) (version uint64, ok bool)) func(s *spoiled) {
	return func(s *spoiled) {
		onVersions(func(_ []session.ID, versions map[session.ID]uint64) {
			s.Mu.Lock()
			defer s.Mu.Unlock()
			for id := range versions {
				version, ok := change(s.Records[id])
				if versions[id] = version; !ok {
					delete(versions, id)
				}
			}
		})(s)
	}
}

// remembersVersions shows of each record what it showed first.
func remembersVersions(s *spoiled) {
	first := map[session.ID]uint64{}
	onVersions(func(_ []session.ID, versions map[session.ID]uint64) {
		s.Mu.Lock()
		defer s.Mu.Unlock()
		for id, version := range versions {
			if _, ok := first[id]; !ok {
				first[id] = version
			}
			versions[id] = first[id]
		}
	})(s)
}
