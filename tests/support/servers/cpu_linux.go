package servers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// CPU is how long the server and its descendants have worked so far, those too
// that have ended and were waited for. It grows in steps of 10 ms.
func (s *Server) CPU() time.Duration {
	var ticks int64
	for _, pid := range append(descendants(s.cmd.Process.Pid), s.cmd.Process.Pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)) // gone meanwhile: nothing
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		for _, field := range fields[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * time.Second / 100 // USER_HZ
}
