/**
 * `better-auth` with `@better-auth/oauth-provider` and its JWT plugin set to ES256, on the storage that its documentation
 * names: a `DatabaseSync` or a `pg` pool handed to it, tables and indexes by its own migrations, its own handler. Set as
 * fast as its options let it be: the client and the resource are cached, rate limiting and telemetry are off. It stores
 * tokens hashed, writes twice in a rotation (mark the old one, insert the new one, no transaction round them), reads the
 * signing key from the database and decrypts it each time, and issues a JWT only where the request names the resource.
 */

import { createServer } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { oauthProvider } from '@better-auth/oauth-provider'
import { type BetterAuth, betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { jwt } from 'better-auth/plugins'
import { Pool } from 'pg'
import type { Place } from '../contender.ts'
import { poolConnections } from '../oidc-provider/adapter-pg.ts'
import type { Service } from '../processes.ts'
import { accessTokenSeconds, issuer, type PeerSecrets, refreshTokenSeconds, resource, scope } from './peer.ts'

export interface OpenBetterAuth {
  readonly auth: BetterAuth
  readonly close: () => Promise<void>
}

export function openBetterAuth(place: Place, secrets: PeerSecrets): OpenBetterAuth {
  const database = openDatabase(place)
  return { auth: betterAuth(optionsFor(database.handle, secrets)), close: database.close }
}

/** Makes its tables and indexes, by its own migrations. */
export async function migrateBetterAuth(place: Place, secrets: PeerSecrets): Promise<void> {
  const database = openDatabase(place)
  const { runMigrations } = await getMigrations(optionsFor(database.handle, secrets))
  await runMigrations()
  await database.close()
}

function optionsFor(database: unknown, secrets: PeerSecrets): object {
  return {
    baseURL: issuer,
    // Encrypts the signing key in the database: the same in every process.
    secret: secrets.clientSecret,
    database,
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: 'error' },
    emailAndPassword: { enabled: true },
    disabledPaths: ['/token'],
    plugins: [
      jwt({ jwks: { keyPairConfig: { alg: 'ES256' } } }),
      oauthProvider({
        loginPage: '/sign-in',
        consentPage: '/consent',
        scopes: ['openid', 'offline_access', scope],
        accessTokenExpiresIn: accessTokenSeconds,
        refreshTokenExpiresIn: refreshTokenSeconds,
        resources: [resource],
        cachedResources: new Set([resource]),
        // Spares it another read: every client may ask for every resource.
        enforcePerClientResources: false,
        cachedTrustedClients: new Set([secrets.clientId]),
        silenceWarnings: { oauthAuthServerConfig: true, openidConfig: true },
      }),
    ],
  }
}

function openDatabase(place: Place): { readonly handle: unknown; readonly close: () => Promise<void> } {
  if (place.kind === 'postgres') {
    const pool = new Pool({ connectionString: place.url, max: poolConnections })
    pool.on('error', error => console.error(error))
    return { handle: pool, close: () => pool.end() }
  }
  const database = new DatabaseSync(place.file)
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000')
  return { handle: database, close: async () => database.close() }
}

export function serveBetterAuth(place: Place, secrets: PeerSecrets): Service {
  const { auth, close } = openBetterAuth(place, secrets)
  const handler = toNodeHandler(auth)
  const server = createServer((request, response) => {
    handler(request, response).catch((error: unknown) => {
      console.error(error)
      response.destroy()
    })
  })
  return { server, close }
}
