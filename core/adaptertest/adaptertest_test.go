package adaptertest_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gostateful/session/core/adaptertest"
)

// faultVariable names the fault that the adapter of TestMinimal has.
const faultVariable = "ADAPTERTEST_FAULT"

// TestMinimal checks the laws on the minimal adapter. TestFaults runs it again
// for each fault, to see it fail.
func TestMinimal(t *testing.T) {
	f := fault(os.Getenv(faultVariable))
	if f != "" {
		adaptertest.LosePatience()
	}
	adaptertest.Run(t, f.start)
}

// faults are the faults, and the subtests that must find them.
var faults = []struct {
	fault fault
	seen  []string
}{
	{"commits after the body", []string{
		"CommitFirst/Respond", "CommitFirst/Write", "CommitFirst/WriteHeader", "CommitFirst/Flush",
		"CommitFirst/ResponseController.Flush", "CommitFirst/ReadFrom", "CommitFirst/Hijack",
	}},
	{"commits after the body", []string{"LateNewSession/Respond", "LateLogin/Flush", "LateRenew/Hijack", "LateInStream"}},
	{"commits after the body", []string{"Stream"}},
	{"forgets the implicit response", []string{"CommitFirst/Implicit", "CommitFails/Implicit"}},
	{"passes Write by", []string{"CommitFirst/Write", "CommitFails/Write"}},
	{"passes WriteHeader by", []string{"CommitFirst/Respond", "CommitFirst/WriteHeader", "CommitFails/WriteHeader"}},
	{"passes Flush by", []string{"CommitFirst/Flush", "CommitFails/Flush"}},
	{"passes ResponseController.Flush by", []string{"CommitFirst/ResponseController.Flush", "CommitFails/ResponseController.Flush"}},
	{"passes ReadFrom by", []string{"CommitFirst/ReadFrom", "CommitFails/ReadFrom"}},
	{"passes Hijack by", []string{"CommitFirst/Hijack", "CommitFails/Hijack"}},
	{"buffers the response", []string{"Stream", "TouchInStream", "WatchInStream"}},
	{"takes 103 for the response", []string{"Informational"}},

	{"starts afresh when the load fails", []string{"LoadFails"}},
	{"ignores the error of Commit", []string{
		"CommitFails/Respond", "CommitFails/Implicit", "CommitOfChangeFails/Respond", "CommitOfChangeFails/Flush", "CommitOfChangeFails/Hijack",
		"CommitHangs", "FailureHidesResponse", "SideBySideFailure/Outer", "SideBySideFailure/Inner", "LoginDuringChange", "LoginDuringLogout",
	}},
	{"answers a failure with 200", []string{"CommitFails/Write", "CommitOfChangeFails/ReadFrom", "CommitHangs"}},
	{"keeps the headers of the response that failed", []string{"FailureHidesResponse"}},
	{"hides only a list of headers", []string{"FailureHidesResponse", "FailureKeepsOuterHeader"}},
	{"drops the headers of those around", []string{"FailureKeepsOuterHeader"}},
	{"keeps the handler's word for that of those around", []string{"FailureKeepsOuterHeader"}},
	{"is started without Server.Header", []string{"FailureKeepsOuterHeader"}},
	{"lets a failure be cached", []string{"FailureIsNotCached"}},

	{"tells the client of the error", []string{"FailureTellsNothing"}},
	{"does not say when to come again", []string{"FailureTellsWhen", "LostResponse/login", "LostResponse/logout"}},
	{"answers a failure for every visitor", []string{"FailureTellsWhen"}},
	{"shows the errors that handlers return", []string{"ReturnedErrorTellsNothing"}},
	{"answers the errors that handlers return by their status", []string{"ReturnedErrorTellsWhen"}},
	{"tells stragglers to come again at once", []string{"ReturnedErrorTellsWhen"}},
	{"takes the application's errors for its own", []string{"OwnErrorStays"}},

	{"swallows a panic", []string{"PanicDiscards", "PanicAfterResponse"}},
	{"commits on a panic", []string{"PanicDiscards"}},
	{"finishes on a panic", []string{"PanicAfterResponse"}},
	{"answers a failure when the handler returns", []string{"PanicAfterFailure"}},
	{"forgets a client that left", []string{"ClientGone"}},
	{"hides the context of the request", []string{"ClientGoneBefore/Load", "RenewalClientGone"}},
	{"never finishes", []string{"Frozen"}},
	{"never finishes", []string{"LateChange/Respond"}},
	{"never finishes", []string{"LateChange/Hijack"}},
	{"never finishes", []string{"LateLogout"}},
	{"never finishes", []string{"LateInStream"}},
	{"ignores the error of Finish", []string{"LateFailure", "LateFailureInStream"}},

	{"parses and formats the cookies", []string{"JunkCookie/Quoted"}},
	{"folds the case of names", []string{"NameByteForByte"}},
	{"reads the last cookie of a name", []string{"ThreeTokens", "DuplicateCookies"}},
	{"reads the first cookie of a name", []string{"ThreeTokens", "DuplicateCookies", "CookieLines"}},
	{"reads only the first line of cookies", []string{"CookieLines"}},
	{"drops the cookie", []string{"CommitFirst/Respond", "ExplicitCommit", "LostReply"}},
	{"drops Secure over plain http", []string{"CookieAttributes", "CookieRemoval"}},
	{"removes the cookie without its attributes", []string{"CookieRemoval"}},
	{"adds the cookie twice", []string{"OneSetCookie/UpdateTwice", "OneSetCookie/LoginLogout"}},
	{"reads cookies alone", []string{"InHeader/ReadIsOneLoad", "InHeader/LogoutWins"}},
	{"drops the token's header", []string{"InHeader/OneSetCookie", "InHeader/LoginReaches"}},
	{"sets Set-Cookie", []string{"OtherCookies", "SideBySide"}},

	{"adds Cache-Control", []string{"NoStore"}},
	{"forbids every cache", []string{"CachingIsTheHandlers", "ReadIsOneLoad", "UnusedIsFree", "PlainResponse"}},
	{"sets Vary", []string{"Vary"}},
	{"adds Vary again", []string{"Vary", "SideBySide"}},
	{"adds Vary to every response", []string{"PlainResponse", "UnusedIsFree"}},

	{"loads before the handler asks", []string{"UnusedIsFree", "PlainResponse"}},
	{"loads twice", []string{"ReadIsOneLoad"}},
	{"renews with every request", []string{"UnchangedIsNotWritten", "ReadIsOneLoad"}},

	{"does not tell Commit of plain http", []string{"PlainHTTP"}},
	{"does not tell Commit of the host", []string{"PlainHTTP"}},
	{"takes TLS for plain http", []string{"PlainHTTPBehindTLS"}},
	{"does not tell Commit of the header", []string{"LateGetOfPrivatePage"}},
	{"tells Commit of an empty header", []string{"LateGetOfPrivatePage"}},
	{"tells Commit of the header before the handler", []string{"LateGetOfPrivatePage"}},
	{"tells Commit that every page is private", []string{"LateGet/Respond", "LateGet/Flush", "LateGet/Hijack"}},
	{"commits after the body", []string{"LateGet/Write", "LoginReaches/Respond", "LoginReaches/Hijack"}},
	{"hides the context of the request", []string{"OneCookieForTwo"}},
	{"answers for every manager", []string{"CookiesApart"}},
	{"adds one cookie", []string{"Former/Name", "Former/Path"}},
	{"keeps one cookie of a name", []string{"Former/Path"}},

	{"keeps an exchange for a cookie", []string{"UseIsRecordedAtOnce"}},
	{"ignores the error of Commit", []string{"TooLate", "InsideUpdate/Respond", "InsideUpdate/Flush"}},
	{"commits on another goroutine", []string{"InsideUpdate/Write"}},
	{"drops the cookie", []string{"LostRenewal"}},
	{"asks no browser for its device", []string{"Device"}},
	{"does not tell of refreshes that were skipped", []string{"DeviceSkipped"}},
	{"does not tell Commit of a Hijack", []string{"RenewalTakenOver"}},

	{"drops the commit when others are busy", []string{"Increments"}},
	{"keeps the cookies of the connection's first request", []string{"Visitors"}},
	{"sends the request's cookie again", []string{"DiscardedLogin"}},
	{"drops the cookie", []string{"DiscardedAfterLogout"}},
	{"sends the request's cookie again", []string{"LogoutWins", "LogoutThenFlash", "LoginThenStraggler", "LoginDuringRead"}},
	{"clears the cookie on an error", []string{"LoginDuringChange", "LoginDuringLogout", "CommitOfChangeFails/Respond"}},
	{"keeps the cookie that the request has", []string{"ChangeDuringLogin", "UnknownToken", "PlantedSession"}},

	{"hides the context of the request", []string{"Context"}},
	{"makes an exchange for each Get", []string{"OneHandle"}},
	{"knows one manager for each request", []string{"SideBySide"}},
	{"answers for every manager", []string{"OtherManager"}},
	{"is there twice", []string{"Nested"}},
}

// TestFaults: the suite finds every fault, in the right subtests.
func TestFaults(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		out []byte
		err error
	}
	results := make([]chan result, len(faults))
	few := make(chan struct{}, 8) // most of those that last only wait
	for i, f := range faults {
		results[i] = make(chan result, 1)
		go func() {
			few <- struct{}{}
			defer func() { <-few }()
			child := exec.Command(program, "-test.run="+pattern(f.seen), "-test.timeout=60s")
			child.Env = append(os.Environ(), faultVariable+"="+string(f.fault))
			out, err := child.CombinedOutput()
			results[i] <- result{out, err}
		}()
	}
	for i, f := range faults {
		t.Run(strings.ReplaceAll(string(f.fault), " ", "_"), func(t *testing.T) {
			r := <-results[i]
			if r.err == nil {
				t.Errorf("an adapter that %s passes", f.fault)
			}
			for _, name := range f.seen {
				if !strings.Contains(string(r.out), "--- FAIL: TestMinimal/"+name+" (") {
					t.Errorf("an adapter that %s passes %s:\n%s", f.fault, name, r.out)
				}
			}
		})
	}
}

// pattern runs the named subtests of TestMinimal.
func pattern(names []string) string {
	var laws, parts []string
	for _, name := range names {
		law, part, divided := strings.Cut(name, "/")
		laws = append(laws, regexp.QuoteMeta(law))
		if divided {
			parts = append(parts, regexp.QuoteMeta(part))
		}
	}
	p := "^TestMinimal$/^(" + strings.Join(laws, "|") + ")$"
	if len(parts) > 0 {
		p += "/^(" + strings.Join(parts, "|") + ")$"
	}
	return p
}

// TestEveryLawCanFail: each law is broken by some fault.
func TestEveryLawCanFail(t *testing.T) {
	broken := map[string]bool{}
	for _, f := range faults {
		for _, name := range f.seen {
			law, _, _ := strings.Cut(name, "/")
			broken[law] = true
		}
	}
	laws := adaptertest.Laws()
	for _, law := range laws {
		if !broken[law] {
			t.Errorf("no fault breaks the law %s", law)
		}
		delete(broken, law)
	}
	for law := range broken {
		t.Errorf("the faults name a law %s, which is not in the suite", law)
	}
	if slices.Sort(laws); len(slices.Compact(laws)) != len(adaptertest.Laws()) {
		t.Error("two laws have the same name")
	}
}
