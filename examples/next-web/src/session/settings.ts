/** What the application is told by its environment, checked once. */

export interface Settings {
  readonly issuer: URL
  readonly clientId: string
  readonly clientSecret: string
  /** Where people find this application; `/auth/callback` below it is the redirect URI. */
  readonly appUrl: URL
  /** The SQLite file of the grants. */
  readonly grantsFile: string
}

/** Throws with the name of what is missing. */
export function readSettings(environment: { readonly [name: string]: string | undefined }): Settings {
  const needed = (name: string): string => {
    const text = environment[name]
    if (text === undefined || text === '') throw new Error(`Set ${name}: README.md says to what.`)
    return text
  }
  return {
    issuer: new URL(needed('ISSUER')),
    clientId: needed('CLIENT_ID'),
    clientSecret: needed('CLIENT_SECRET'),
    appUrl: new URL(needed('APP_URL')),
    grantsFile: needed('GRANTS_FILE'),
  }
}

export function redirectUriOf({ appUrl }: Settings): URL {
  return new URL('/auth/callback', appUrl)
}
