package main

import "strings"

// deviceOf names the browser and the system in a User-Agent header, roughly: for
// people who look for their own devices.
func deviceOf(userAgent string) string {
	browser := first(userAgent, "a browser", [][2]string{
		{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	})
	system := first(userAgent, "an unknown system", [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	})
	return browser + " on " + system
}

// first returns the name of the first mark that a text contains.
func first(text, otherwise string, marks [][2]string) string {
	for _, mark := range marks {
		if strings.Contains(text, mark[0]) {
			return mark[1]
		}
	}
	return otherwise
}
