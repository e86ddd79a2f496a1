package moving

import (
	"net/http"
	"testing"

	ginsessions "github.com/gin-contrib/sessions"
	ginredis "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/tests/support/servers"
)

func startGin(t *testing.T, m Move) ([3]http.Handler, faults) {
	server := servers.Redis(t)
	store, err := ginredis.NewStore(10, "tcp", server.Addr(), "", "", signKey)
	require.NoError(t, err)
	store.Options(ginsessions.Options{Path: "/", MaxAge: 3600, Secure: true, HttpOnly: true})
	gin.SetMode(gin.ReleaseMode)

	app := gin.New()
	app.Use(ginsessions.Sessions("session", store))
	items := func(s ginsessions.Session) []string {
		items, _ := s.Get("items").([]string)
		return items
	}
	app.POST("/login", func(c *gin.Context) {
		s := ginsessions.Default(c)
		s.Set("user", c.Query("user"))
		assert.NoError(t, s.Save())
	})
	app.POST("/logout", func(c *gin.Context) { // which leaves an empty session
		s := ginsessions.Default(c)
		s.Clear()
		assert.NoError(t, s.Save())
	})
	app.POST("/add", func(c *gin.Context) {
		s := ginsessions.Default(c)
		s.Set("items", append(items(s), c.Query("item")))
		assert.NoError(t, s.Save())
	})
	app.GET("/", func(c *gin.Context) {
		s := ginsessions.Default(c)
		user, _ := s.Get("user").(string)
		c.String(http.StatusOK, page(user, items(s)))
	})

	f := &FromGin{FromGorilla{Move: m, Store: store, Name: "session"}}
	release := func(follow Follow, login func(http.ResponseWriter, *http.Request, string) error) http.Handler {
		app := gin.New()
		app.Use(sessiongin.Middleware(m.Sessions, nil), f.Middleware(follow))
		app.Any("/*path", gin.WrapH(hooks{login, f.Logout}.mux(m.Sessions)))
		return http.NewCrossOriginProtection().Handler(app)
	}
	return [3]http.Handler{app, release(f.Together, f.Login), release(f.NowAlone, loginAlone(&f.Move))}, redisFaults(t, server)
}
