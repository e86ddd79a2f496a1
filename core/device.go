package session

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gostateful/session/core/internal/dbsc"
)

// Device binds the sessions of users to the device of their browser. It is
// experimental: the draft that it follows may still change (Device Bound
// Session Credentials, https://w3c.github.io/webappsec-dbsc/). The package
// device has the handler that it needs.
//
// The response to a login asks the browser to make a key that does not leave
// the device, and to register it. From then on a cookie is good only for
// Interval. The browser gets the next one by a signature, before the next
// request that needs it. So a copy of the cookie opens the session for at most
// Interval and StragglerWindow. A browser that does not know the protocol works
// as without it.
//
// If the browser cannot refresh the cookie, it says so and sends none. If it
// could not reach the handler, or the handler failed, [Manager.Get] returns
// [ErrUnavailable], because the session exists and cannot be opened, and a
// Session that can only log in. If the browser has refreshed too often, the
// request is a straggler's: it reads nothing, and can only log in.
//
// A refresh does not count as a use of the session. RenewEvery does not renew a
// bound session. A login undoes the binding, and asks the browser again. So
// does a browser that has lost the answer to its registration:
// docs/device-bound.md says what a thief can do with that. Renew replaces the
// secret, but gives it no more time.
type Device struct {
	// Path is the path of package device's handler, as browsers see it, such as
	// "/device". Empty means that no session is bound.
	Path string

	// Interval is how long the cookie of a bound session is good, and how long a
	// login may take to be bound. Zero means ten minutes. It is at least a second.
	// Use less than five minutes only in tests: Chromium refreshes two minutes
	// before the end, and signs at most six times in nine minutes for a site.
	Interval time.Duration

	// Required ends a login that is not bound after Interval. So only users of
	// browsers that can be bound stay logged in.
	Required bool
}

// A Binding says whether the cookie alone opens a session, without a proof of
// the device.
type Binding string

const (
	Unbound Binding = ""      // the cookie alone opens the session
	Asked   Binding = "asked" // so it does, but less than Device.Interval ago a login asked the browser to register its device
	Bound   Binding = "bound" // each cookie is good for Device.Interval; for the next one the browser must prove its device
)

func (o *Options) setDeviceDefaults() {
	if o.Device.Path != "" && o.Device.Interval == 0 {
		o.Device.Interval = 10 * time.Minute
	}
}

func (o *Options) checkDevice(f *faults) {
	d := &o.Device
	if d.Path == "" {
		f.add(*d != Device{}, "Device needs the Path of package device's handler, such as /device")
		return
	}
	f.add(d.Path[0] != '/' || strings.HasPrefix(d.Path, "//") || strings.ContainsFunc(d.Path, func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`"\?#`, c) }),
		"Device.Path %q: must begin with one slash and be visible ASCII without quotes, backslashes, ? and #", d.Path)
	f.add(d.Interval < time.Second, "Device.Interval %v: must be at least a second, or zero for ten minutes", d.Interval)
	f.add(d.Interval > o.Lifetime, "Device.Interval %v is longer than Lifetime %v and would bind nothing", d.Interval, o.Lifetime)
	f.add(o.Header.Name != "", "Device binds cookies, and this manager has none: leave Device or Header empty")
	f.add(o.Cookie.Insecure, "Device needs a cookie with Secure: leave Cookie.Insecure false")
}

// offer returns the header that asks the browser to register, or "". It comes with a new
// secret. Chromium does not repeat a registration that failed. So a login is asked again
// with each use that is recorded, which is at most once in a minute: Chromium signs only
// a few times, and would take each offer.
func (v *visit) offer() string {
	env, o := &v.base.env, &v.engine.opts.Device
	due := v.answer == handOut || v.touched && v.engine.bindingOf(env) == Asked
	if o.Path == "" || !due || env.device.salt == [16]byte{} || env.device.bound() {
		return ""
	}
	return dbsc.Offer(o.Path, env.challenge(v.base.id, time.Now()))
}

// bindingOf returns the result of [Session.Binding], and Info.Binding.
func (e *engine) bindingOf(env *envelope) Binding {
	switch d := &env.device; {
	case d.bound():
		return Bound
	case d.salt != [16]byte{} && time.Since(fromMilli(env.loggedIn)) < e.opts.Device.Interval:
		return Asked
	}
	return Unbound
}

// challengeLasts is how old a challenge may be: a browser keeps the one that came
// with its cookie until it needs the next.
func (e *engine) challengeLasts() time.Duration {
	return e.opts.Device.Interval + e.opts.StragglerWindow
}

// A DeviceAnswer is the answer of package device's handler.
type DeviceAnswer struct {
	ID        ID
	Challenge string // the browser signs it next
	Done      bool   // the device is registered, or the session refreshed
}

var (
	errNoDevices    = mistakef("session: Options.Device has no Path: give it that of package device's handler")
	errDeviceBeside = mistakef("session: a device is registered and a session refreshed at once, and other changes of this request are pending: mount the handler of package device where no middleware changes the session")
	errUnproven     = fmt.Errorf("%w: this is no proof of the device of a live session", ErrNotFound)
)

// RegisterDevice binds the session of a request to the key of its device. It is
// for package device, which has checked that the key has signed the challenge.
// The session is stored at once, and the response has its new cookie.
// [ErrNotFound] means that the browser may not register: nobody is logged in,
// the session is already bound, or the challenge is for another session, used
// or too old.
func RegisterDevice(ctx context.Context, m AnyManager, challenge string, key []byte) (DeviceAnswer, error) {
	v, err := enterForDevice(ctx, m)
	if err != nil {
		return DeviceAnswer{}, err
	}
	defer v.leave()
	e := v.engine
	switch {
	case v.refused() != nil:
		v.refusal.told = true
		return DeviceAnswer{}, v.refused()
	case !v.base.proof.opens() || v.base.proof == trusted || v.base.subject == "":
		return DeviceAnswer{}, errUnproven
	}
	at := time.Now()
	return v.answerDevice(ctx, change{renewal: offered, device: func(env *envelope) error {
		if env.device.bound() || !env.answers(v.base.id, challenge, at, e.challengeLasts()) {
			return errUnproven
		}
		env.device.key, env.device.interval = string(key), e.opts.Device.Interval.Milliseconds()
		env.device.since = at.UnixMilli()
		return nil
	}})
}

// enterForDevice enters the gate of the request, which must have changed nothing yet.
// If the cookie's session cannot be decoded, the error is that of the load.
func enterForDevice(ctx context.Context, m AnyManager) (*visit, error) {
	v, err := m.visitor(ctx)
	if err != nil {
		return nil, err
	}
	if v.engine.opts.Device.Path == "" {
		return nil, errNoDevices
	}
	if err := v.gate.enter(ctx); err != nil {
		return nil, err
	}
	switch {
	case v.gate.at() != handling:
		err = ErrHeadersSent
	case v.dirty():
		err = errDeviceBeside
	}
	if err != nil {
		v.leave()
		return nil, err
	}
	return v, nil
}

// answerDevice stores a change of the binding, and makes the answer.
func (v *visit) answerDevice(ctx context.Context, c change) (DeviceAnswer, error) {
	err := v.add(c)
	if err == nil {
		err = v.flush(ctx, true)
	}
	if err != nil && !errors.Is(err, errSpent) {
		switch {
		case errors.Is(err, errUnproven):
			err = errUnproven
		case errors.Is(err, errNewerLogin):
			err = v.comeAgain()
		}
		return DeviceAnswer{}, err
	}
	return DeviceAnswer{v.base.id, v.base.env.challenge(v.base.id, time.Now()), err == nil}, nil
}

// DeviceCookie returns what a browser has to know about the cookie of bound
// sessions: where the handler of package device is mounted, and the name and
// the attributes of the cookie, as in Set-Cookie. It is for that package.
func DeviceCookie(m AnyManager) (path, name, attributes string) {
	o := &m.core().opts
	_, attributes, _ = strings.Cut(o.Cookie.http().String(), "; ")
	return o.Device.Path, o.Cookie.Name, attributes
}
