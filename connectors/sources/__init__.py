"""The sources of events: CRM, ERP, IM, OA, files, webhooks. One file each, listed explicitly."""
