/** What a worker is told, from the environment alone. */

export interface Settings {
  readonly databaseUrl: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly port: number
  /** Where people's browsers find this worker. */
  readonly url: string
  /** Each connection is refreshed at least this often, and looked at; unset leaves it to the keep-alive. */
  readonly refreshSecondsMax: number | null
}

/** Throws an `Error` that names what is missing. */
export function readSettings(environment: { readonly [name: string]: string | undefined }): Settings {
  const wanted = (name: string): string => {
    const value = environment[name]
    if (value === undefined || value === '') throw new Error(`${name} is not set`)
    return value
  }
  const port = Number(environment['PORT'] ?? '7310')
  const refreshSecondsMax = environment['REFRESH_SECONDS_MAX']
  return {
    databaseUrl: wanted('DATABASE_URL'),
    issuer: wanted('ISSUER'),
    clientId: wanted('CLIENT_ID'),
    clientSecret: wanted('CLIENT_SECRET'),
    port,
    url: environment['APP_URL'] ?? `http://localhost:${port}`,
    refreshSecondsMax: refreshSecondsMax === undefined ? null : Number(refreshSecondsMax),
  }
}
