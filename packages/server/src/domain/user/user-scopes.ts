/** The scopes that concern a person (OIDC Core §5.4, §11). A client registered without a word may ask for these. */
export const userScopes = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'] as const
