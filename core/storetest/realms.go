package storetest

import (
	"net/http"
	"strings"

	session "github.com/gostateful/session/core"
)

func engineKeepsCarriersApart(t *trial) {
	const shopCookie, adminCookie = "__Host-shop", "__Host-admin"
	shop := t.manager(t.store, session.Options{Cookie: session.Cookie{Name: shopCookie}})
	admin := t.manager(t.store, session.Options{Cookie: session.Cookie{Name: adminCookie}})
	subject := t.subject()
	customer, clerk := t.login(shop, subject), t.login(admin, subject)

	// No token crosses.
	stolen := &http.Cookie{Name: adminCookie, Value: customer.cookie.Value}
	t.opensNothing("with the shop's token as admin's", admin, stolen, customer)
	if _, err := visit(t.Context(), admin, stolen, counted); err != nil {
		t.Fatalf("a change with the shop's token as admin's: %v", err)
	}
	t.opens("after that", shop, customer, 1)
	t.opens("after that", admin, clerk, 1)

	// Within a realm they share the subject.
	t.lists("of two managers", shop, subject, customer.id, clerk.id)
	t.lists("of two managers", admin, subject, customer.id, clerk.id)
	if err := shop.Update(t.Context(), clerk.id, func(v *visits) error { v.N++; return nil }); err != nil {
		t.Fatalf("Manager.Update by another manager of the realm: %v", err)
	}
	t.opens("after a change by another manager of the realm", admin, clerk, 2)
	if err := admin.Revoke(t.Context(), customer.id); err != nil {
		t.Fatalf("Manager.Revoke by another manager of the realm: %v", err)
	}
	t.opensNothing("after another manager of the realm revoked it", shop, customer.cookie, customer)
	t.revokes("of the session that is left", shop, subject, 1)
	t.opensNothing("after another manager of the realm revoked all", admin, clerk.cookie, clerk)
}

// realms differ only in their bytes, like exactSubjects.
func realms() []string {
	return []string{"", "shop", "SHOP", "shop ", "{shop}", "shop:", "s%", "sh'op", "日本", strings.Repeat("x", 64)}
}

// population is a manager, and the browsers that have logged in to it.
type population struct {
	realm    string
	m        *session.Manager[visits]
	browsers []browser
}

// populate logs in to a manager of each realm, with the same subjects, and with
// some that look like another realm's.
func (t *trial) populate() (all []population) {
	t.Helper()
	base := t.subject()
	subjects := []string{base, base + " ", strings.ToUpper(base), "shop" + base, "shop:" + base, ":" + base, "{" + base + "}", base + "'%_*"}
	for _, realm := range realms() {
		p := population{realm: realm, m: t.manager(t.store, session.Options{Realm: realm})}
		most := 255
		if realm != "" {
			most -= len(realm) + 1
		}
		long := base + strings.Repeat("x", most-1-len(base))
		for _, subject := range append(subjects, long+"x", long+"y") {
			p.browsers = append(p.browsers, t.login(p.m, subject))
		}
		all = append(all, p)
	}
	return all
}

func engineKeepsRealmsApart(t *trial) {
	all := t.populate()
	for i, p := range all {
		// Two others see nothing of it: by token, by ID, or by subject.
		for _, other := range []population{all[(i+1)%len(all)], all[(i+len(all)/2)%len(all)]} {
			b := p.browsers[0]
			where := "in the realm " + other.realm + " for a session of the realm " + p.realm
			t.opensNothing(where, other.m, b.cookie, b)
			_, err := other.m.Find(t.Context(), b.id)
			t.answers(where+": Manager.Find", err, session.ErrNotFound)
			err = other.m.Update(t.Context(), b.id, func(v *visits) error { v.N++; return nil })
			t.answers(where+": Manager.Update", err, session.ErrNotFound)
			if err := other.m.Revoke(t.Context(), b.id); err != nil {
				t.Fatalf("%s: Manager.Revoke: %v", where, err)
			}
			t.opens("after that", p.m, b, 1)
		}
	}
	for _, p := range all {
		for _, b := range p.browsers {
			t.lists("in the realm "+p.realm, p.m, b.subject, b.id)
		}
	}
	for i, p := range all {
		for _, b := range p.browsers {
			t.revokes("in the realm "+p.realm, p.m, b.subject, 1)
			t.lists("in the realm "+p.realm+", after all were revoked", p.m, b.subject)
		}
		for _, other := range all[i+1:] {
			t.lists("in the realm "+other.realm+", after the realm "+p.realm+" was revoked", other.m, other.browsers[0].subject, other.browsers[0].id)
		}
	}
}
