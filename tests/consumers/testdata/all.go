package main

import (
	"context"
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	_ "github.com/go-sql-driver/mysql"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/labstack/echo/v5"
	"github.com/redis/go-redis/v9"

	sessionchi "github.com/gostateful/session/adapters/chi"
	sessionecho "github.com/gostateful/session/adapters/echo"
	sessionfiber "github.com/gostateful/session/adapters/fiber"
	sessiongin "github.com/gostateful/session/adapters/gin"
	"github.com/gostateful/session/adapters/nethttp"
	session "github.com/gostateful/session/core"
	"github.com/gostateful/session/memory"
	sessionredis "github.com/gostateful/session/redis"
	sessionsql "github.com/gostateful/session/sql"
)

type visits struct{ N int }

// count is the same for all of them.
func count(ctx context.Context, manager *session.Manager[visits]) (string, error) {
	s, err := manager.Get(ctx)
	if err == nil {
		err = s.Update(func(v *visits) error { v.N++; return nil })
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprint(s.Data().N), nil
}

func handler(manager *session.Manager[visits]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := count(r.Context(), manager)
		if err != nil {
			http.Error(w, err.Error(), session.HTTPStatus(err))
			return
		}
		fmt.Fprint(w, text)
	}
}

func manage(store session.Store, cookie string) *session.Manager[visits] {
	manager, err := session.New[visits](store, &session.Options{Cookie: session.Cookie{Name: cookie}})
	if err != nil {
		log.Fatal(err)
	}
	return manager
}

func main() {
	options, err := redis.ParseURL(os.Getenv("REDIS"))
	if err != nil {
		log.Fatal(err)
	}
	db, err := sql.Open("mysql", os.Getenv("MYSQL"))
	if err != nil {
		log.Fatal(err)
	}
	tables := sessionsql.New(db, sessionsql.MySQL, nil)
	if err := tables.Migrate(context.Background()); err != nil {
		log.Fatal(err)
	}
	plain, echoed, routed, fast := manage(memory.New(nil), "plain"), manage(memory.New(nil), "echoed"), manage(sessionredis.New(redis.NewClient(options), nil), "routed"), manage(tables, "fast")

	router := chi.NewRouter()
	router.Use(sessionchi.Middleware(routed, nil))
	router.Get("/chi", handler(routed))

	e := echo.New()
	e.Use(sessionecho.Middleware(echoed))
	e.GET("/echo", func(c *echo.Context) error {
		text, err := count(c.Request().Context(), echoed)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, text)
	})

	app := fiber.New()
	app.Use(sessionfiber.Middleware(fast, nil))
	app.Get("/fiber", func(c fiber.Ctx) error {
		text, err := count(c, fast)
		if err != nil {
			return fiber.NewError(session.HTTPStatus(err), err.Error())
		}
		return c.SendString(text)
	})

	engine := gin.New()
	engine.Use(sessiongin.Middleware(routed, nil))
	engine.GET("/gin", func(c *gin.Context) {
		text, err := count(c, routed)
		if err != nil {
			session.Error(c.Writer, err)
			return
		}
		c.String(http.StatusOK, "%s", text)
	})

	mux := http.NewServeMux()
	mux.Handle("/{$}", nethttp.Middleware(plain, nil)(handler(plain)))
	mux.Handle("/chi", router)
	mux.Handle("/echo", e)
	mux.Handle("/fiber", adaptor.FiberApp(app))
	mux.Handle("/gin", engine)
	log.Fatal(http.ListenAndServe(os.Getenv("ADDR"), mux))
}
