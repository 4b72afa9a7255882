"""The channels to people: mail, IM, webhooks. One file each, listed explicitly."""
