SITE_BRANDING = "The users' own cloud"
