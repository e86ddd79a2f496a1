package bench

import (
	"encoding/gob"
	"net/http"
	"testing"

	"github.com/gin-contrib/sessions"
	"github.com/gin-contrib/sessions/memstore"
	ginredis "github.com/gin-contrib/sessions/redis"
	"github.com/gin-gonic/gin"
)

// ginOn is gin-contrib/sessions as its README has it.
func ginOn(_ testing.TB, store sessions.Store) site {
	gob.Register(cart{})
	gin.SetMode(gin.ReleaseMode)
	app := gin.New()
	app.Use(sessions.Sessions("session", store))
	handle := func(path string, save bool, do func(*gin.Context, sessions.Session, *cart)) {
		app.POST(path, func(c *gin.Context) {
			s := sessions.Default(c)
			held, _ := s.Get("cart").(cart)
			do(c, s, &held)
			if !save {
				return
			}
			s.Set("cart", held)
			if err := s.Save(); err != nil {
				_ = c.AbortWithError(http.StatusInternalServerError, err)
			}
		})
	}
	app.POST("/unused", func(c *gin.Context) { total(c.Writer, cart{}) })
	handle("/read", false, func(c *gin.Context, _ sessions.Session, held *cart) { total(c.Writer, *held) })
	handle("/update", true, func(_ *gin.Context, _ sessions.Session, held *cart) { held.Items[0].Amount++ })
	handle("/fill", true, func(_ *gin.Context, _ sessions.Session, held *cart) { *held = ten() })
	return served(app)
}

func ginMemory() sessions.Store { return memstore.NewStore(gorillaKey) }

func ginRedis(tb testing.TB, addr string) sessions.Store {
	return must[ginredis.Store](tb)(ginredis.NewStore(10, "tcp", addr, "", "", gorillaKey))
}
