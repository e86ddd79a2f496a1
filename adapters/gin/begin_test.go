package sessiongin_test

import (
	"errors"
	"html/template"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	sessiongin "github.com/gostateful/session/adapters/gin"
)

// begins are ways of gin's Context to begin a response, with other bodies than
// the suite wants.
var begins = map[string]struct {
	begin  func(c *gin.Context)
	status int
	body   string
}{
	"AbortWithError":          {func(c *gin.Context) { _ = c.AbortWithError(404, errors.New("none")) }, 404, ""},
	"AbortWithStatus":         {func(c *gin.Context) { c.AbortWithStatus(402) }, 402, ""},
	"AbortWithStatusJSON":     {func(c *gin.Context) { c.AbortWithStatusJSON(402, "pay") }, 402, `"pay"`},
	"AbortWithStatusPureJSON": {func(c *gin.Context) { c.AbortWithStatusPureJSON(402, "pay") }, 402, "\"pay\"\n"},
	"AsciiJSON":               {func(c *gin.Context) { c.AsciiJSON(201, "é") }, 201, `"\u00e9"`},
	"BSON":                    {func(c *gin.Context) { c.BSON(201, gin.H{}) }, 201, "\x05\x00\x00\x00\x00"},
	"FileMissing":             {func(c *gin.Context) { c.File("testdata/none") }, 404, "404 page not found\n"},
	"IndentedJSON":            {func(c *gin.Context) { c.IndentedJSON(201, gin.H{"a": 1}) }, 201, "{\n    \"a\": 1\n}"},
	"JSON":                    {func(c *gin.Context) { c.JSON(201, "bread") }, 201, `"bread"`},
	"JSONP":                   {func(c *gin.Context) { c.JSONP(201, "bread") }, 201, `f("bread");`},
	"NegotiateNothing":        {func(c *gin.Context) { c.Negotiate(200, gin.Negotiate{Offered: []string{gin.MIMEXML}}) }, 406, ""},
	"PureJSON":                {func(c *gin.Context) { c.PureJSON(201, "<b>") }, 201, "\"<b>\"\n"},
	"Redirect":                {func(c *gin.Context) { c.Redirect(303, "/done") }, 303, "<a href=\"/done\">See Other</a>.\n\n"},
	"RenderNoBody":            {func(c *gin.Context) { c.JSON(204, nil) }, 204, ""},
	"SSEvent":                 {func(c *gin.Context) { c.SSEvent("added", "bread") }, 200, "event:added\ndata:bread\n\n"},
	"SecureJSON":              {func(c *gin.Context) { c.SecureJSON(201, []int{1}) }, 201, "while(1);[1]"},
	"Status":                  {func(c *gin.Context) { c.Status(202) }, 202, ""},
	"StatusInformational":     {func(c *gin.Context) { c.Status(103) }, 200, ""},
	"StatusThenString":        {func(c *gin.Context) { c.Status(500); c.String(202, "later") }, 202, "later"},
	"TOML":                    {func(c *gin.Context) { c.TOML(201, gin.H{"a": 1}) }, 201, "a = 1\n"},
	"XML":                     {func(c *gin.Context) { c.XML(201, "bread") }, 201, "<string>bread</string>"},
	"YAML":                    {func(c *gin.Context) { c.YAML(201, "bread") }, 201, "bread\n"},
}

// TestBegin: each way begins a response with the cookie, and nothing of it is
// sent if the commit fails.
func TestBegin(t *testing.T) {
	for name, test := range begins {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			r := gin.New()
			r.Use(gin.RecoveryWithWriter(io.Discard), sessiongin.Middleware(si.Manager, nil))
			r.GET("/", func(c *gin.Context) {
				si.count(c)
				if c.Query("lost") != "" {
					si.store.Lose()
				}
				c.Header("X-Handler", "1")
				test.begin(c)
				if committed := si.store.Len() == 1; committed == strings.HasPrefix(name, "Status") && name != "StatusThenString" {
					t.Errorf("when %s returns, the session is committed: %t", name, committed)
				}
			})
			at := serveAt(t, r)
			a := at.get("/?callback=f", "", "Accept: text/html")
			a.wants(t, test.status, test.body, 1)
			if a.Header.Get("X-Handler") != "1" || a.Header.Get("Cache-Control") != "no-store" || !contains(a.Header["Vary"], "Cookie") {
				t.Errorf("got the header %v, want that of the handler, no-store and Vary", a.Header)
			}
			if got := si.visits(a.cookie()); got != 1 {
				t.Errorf("the session has %d visits, want 1", got)
			}
		})
	}
}

// TestBeginFails: none of it is sent if the commit fails.
func TestBeginFails(t *testing.T) {
	for name, test := range begins {
		t.Run(name, func(t *testing.T) {
			si := newSite(t, nil)
			r := gin.New()
			r.Use(sessiongin.Middleware(si.Manager, nil))
			r.GET("/", func(c *gin.Context) {
				si.count(c)
				si.store.Lose()
				c.Header("X-Handler", "1")
				test.begin(c)
			})
			a := serveAt(t, r).get("/?callback=f", "", "Accept: text/html")
			a.wants(t, 503, "Service Unavailable", 0)
			if a.Header.Get("X-Handler") != "" || a.Header.Get("Location") != "" || a.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
				t.Errorf("the answer has the header %v, want nothing of the handler's", a.Header)
			}
		})
	}
}

// TestStatus: a status may be changed until it is sent, before the commit and after it.
func TestStatus(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.SetHTMLTemplate(template.Must(template.New("page").Parse("{{.}}")))
	r.Use(func(c *gin.Context) {
		c.Next()
		if got := c.Writer.Status(); got != 202 {
			t.Errorf("outside, the status is %d, want 202", got)
		}
		if c.Query("change") != "" {
			c.Status(409)
		}
	}, sessiongin.Middleware(si.Manager, nil), func(c *gin.Context) {
		c.Next()
		if got := c.Writer.Status(); got != 202 || c.Writer.Written() || c.Writer.Size() != -1 {
			t.Errorf("inside, the status is %d, written: %t, size %d, want 202 and nothing written", got, c.Writer.Written(), c.Writer.Size())
		}
	})
	r.GET("/", func(c *gin.Context) {
		if got := c.Writer.Status(); got != 200 {
			t.Errorf("the handler begins with status %d, want 200", got)
		}
		si.count(c)
		c.Status(500)
		c.Status(202)
		c.Status(-1) // as Render does to keep it
	})
	at := serveAt(t, r)
	at.get("/", "").wants(t, 202, "", 1)
	at.get("/?change=1", "").wants(t, 409, "", 1)
}

// TestBegun: if an outer middleware has begun the response, no cookie can be
// sent, and changes that need one are refused.
func TestBegun(t *testing.T) {
	si := newSite(t, nil)
	r := gin.New()
	r.Use(func(c *gin.Context) { c.Writer.WriteString("begun ") }, sessiongin.Middleware(si.Manager, nil))
	r.GET("/", func(c *gin.Context) {
		_, err := si.Get(c)
		if err == nil {
			t.Error("a first Get after the first byte was not refused")
		}
		c.String(200, "done")
	})
	serveAt(t, r).get("/", "").wants(t, 200, "begun done", 0)
}

// TestNoRoute: gin's own answers to a missing route or method have the cookie,
// and so have the application's handlers for them.
func TestNoRoute(t *testing.T) {
	for name, test := range map[string]struct {
		handlers gin.HandlersChain
		method   string
		status   int
		body     string
	}{
		"NoRoute":         {nil, "GET", 404, "404 page not found"},
		"NoRouteHandler":  {gin.HandlersChain{func(c *gin.Context) { c.String(404, "nothing") }}, "GET", 404, "nothing"},
		"NoRouteStatus":   {gin.HandlersChain{func(c *gin.Context) { c.Status(410) }}, "GET", 410, ""},
		"NoRouteFound":    {gin.HandlersChain{func(c *gin.Context) { c.JSON(200, "found") }}, "GET", 200, `"found"`},
		"NoMethod":        {nil, "POST", 405, "405 method not allowed"},
		"NoMethodHandler": {gin.HandlersChain{func(c *gin.Context) { c.JSON(-1, "not so") }}, "POST", 405, `"not so"`},
	} {
		for _, lost := range []bool{false, true} {
			if lost {
				name += "Lost"
			}
			t.Run(name, func(t *testing.T) {
				si := newSite(t, nil)
				r := gin.New()
				r.HandleMethodNotAllowed = true
				r.Use(sessiongin.Middleware(si.Manager, nil), func(c *gin.Context) {
					si.count(c)
					if lost {
						si.store.Lose()
					}
				})
				r.PUT("/known", func(*gin.Context) {})
				r.NoRoute(test.handlers...)
				r.NoMethod(test.handlers...)
				path := "/unknown"
				if test.method == "POST" {
					path = "/known"
				}
				a, err := serveAt(t, r).do(test.method, path, "")
				switch {
				case err != nil:
					t.Fatal(err)
				case lost:
					a.wants(t, 503, "Service Unavailable", 0)
				default:
					a.wants(t, test.status, test.body, 1)
				}
			})
		}
	}
}

// TestInformational: gin takes a 1xx for the final response. With this
// middleware the final status can still be set, and the final response has the
// cookie. The 1xx has none.
func TestInformational(t *testing.T) {
	for _, lost := range []bool{false, true} {
		si := newSite(t, nil)
		r := gin.New()
		r.Use(sessiongin.Middleware(si.Manager, nil))
		r.GET("/", func(c *gin.Context) {
			si.count(c)
			c.Header("Link", "</a.css>; rel=preload")
			c.Status(http.StatusEarlyHints)
			c.Writer.WriteHeaderNow()
			if si.store.Len() != 0 || c.Writer.Written() {
				t.Error("a 1xx was taken for the response")
			}
			if lost {
				si.store.Lose()
			}
			c.String(201, "done")
		})
		a := serveAt(t, r).get("/", "")
		if lost {
			a.wants(t, 503, "Service Unavailable", 0)
		} else {
			a.wants(t, 201, "done", 1)
		}
	}
}
