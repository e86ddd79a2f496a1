package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A line is one kind of goods in a cart.
type line struct {
	Goods  string `json:"goods"`
	Amount int    `json:"amount"`
}

// A shopPage is what the front page shows.
type shopPage struct {
	Cart   []line
	Clocks *clocks
}

func (s *site) shop(ctx context.Context, v *visit, r *request) (answer, error) {
	// Committed before it is shown, the page says what is stored.
	if err := v.Commit(ctx); err != nil {
		return answer{}, err
	}
	return s.show(ctx, v, r, "shop", "A small shop", shopPage{v.Data().Cart, clocksOf(v)})
}

// add puts goods into the cart.
func (s *site) add(_ context.Context, v *visit, r *request) (answer, error) {
	goods := strings.TrimSpace(r.field("goods"))
	amount, err := strconv.Atoi(r.field("amount"))
	if goods == "" || len(goods) > 60 || err != nil || amount < 1 || amount > 99 {
		return answer{}, problem{http.StatusBadRequest, "Name what to add, in a few words, and how many: 1 to 99."}
	}
	return redirect("/"), v.Update(func(d *visitor) error {
		d.Note = fmt.Sprintf("Added %d × %s.", amount, goods)
		if i := d.find(goods); i >= 0 {
			d.Cart[i].Amount += amount
			return nil
		}
		if len(d.Cart) == 20 {
			return problem{http.StatusBadRequest, "The cart is full. Remove something first."}
		}
		d.Cart = append(d.Cart, line{goods, amount})
		return nil
	})
}

// less takes one of the goods out of the cart. That there was none is no error:
// whoever clicks twice gets what they want.
func (s *site) less(_ context.Context, v *visit, r *request) (answer, error) {
	return redirect("/"), takeOut(v, r.field("goods"), 1)
}

// remove takes all of the goods out of the cart.
func (s *site) remove(_ context.Context, v *visit, r *request) (answer, error) {
	return redirect("/"), takeOut(v, r.field("goods"), 1<<30)
}

func takeOut(v *visit, goods string, amount int) error {
	return v.Update(func(d *visitor) error {
		i := d.find(goods)
		if i < 0 {
			return nil
		}
		if d.Cart[i].Amount -= amount; d.Cart[i].Amount > 0 {
			return nil
		}
		d.Cart = slices.Delete(d.Cart, i, i+1)
		d.Note = fmt.Sprintf("Removed %s.", goods)
		return nil
	})
}

func (d *visitor) find(goods string) int {
	return slices.IndexFunc(d.Cart, func(l line) bool { return l.Goods == goods })
}
