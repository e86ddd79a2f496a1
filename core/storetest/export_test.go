package storetest

// Leak makes the application of the law about secrets put something of its
// token into its data.
func Leak(something func(token string) string) Option {
	return func(c *config) { c.leak = something }
}
