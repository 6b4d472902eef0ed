/**
 * `@jmondi/oauth2-server`, which leaves storage to repositories. They follow its own example: rotation writes three times,
 * one after the other (expire the old row, insert the access token's row, add the refresh token to it), and tokens are
 * stored as they are. Its refresh tokens are set to be opaque, which spares a second signature and a verification; its JWT
 * service knows no ES256 by itself and is replaced, as its interface allows.
 */

import { createPrivateKey, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  AuthorizationServer,
  DateInterval,
  generateRandomToken,
  type JmondiClient,
  type JmondiToken,
  OAuthException,
  OAuthRequest,
} from '@jmondi/oauth2-server'
import type { Place } from '../contender.ts'
import { accessTokenSigner } from '../es256.ts'
import type { Committing } from '../group-commit.ts'
import type { Service } from '../processes.ts'
import { isSecretOf, issuer, type PeerSecrets, readForm, resource, scope } from './peer.ts'
import { openRows, type Row, type Rows } from './rows.ts'

export const jmondiTables = `
CREATE TABLE clients (id text PRIMARY KEY, name text NOT NULL, secret_hash text NOT NULL, grants text NOT NULL,
  scopes text NOT NULL, redirect_uris text NOT NULL);
CREATE TABLE scopes (name text PRIMARY KEY);
CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL);
CREATE TABLE tokens (access_token text PRIMARY KEY, access_expires_ms bigint NOT NULL, refresh_token text UNIQUE,
  refresh_expires_ms bigint, client_id text NOT NULL, user_id text NOT NULL, scopes text NOT NULL)`

export const insertToken = `INSERT INTO tokens
(access_token, access_expires_ms, refresh_token, refresh_expires_ms, client_id, user_id, scopes)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (access_token) DO NOTHING`

const findText = `SELECT t.access_token, t.access_expires_ms, t.refresh_token, t.refresh_expires_ms, t.scopes AS token_scopes,
  u.id AS user_id, c.* FROM tokens t JOIN clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id
WHERE t.refresh_token = $1`

export function openJmondi(place: Place, secrets: PeerSecrets, committing: Committing): Service {
  const rows = openRows(place, committing)
  const authorization = new AuthorizationServer(clientsOf(rows), tokensOf(rows), scopesOf(rows), jwtOf(secrets), {
    requiresPKCE: true,
    requiresS256: true,
    issuer,
    useOpaqueRefreshTokens: true,
  })
  authorization.enableGrantTypes(['refresh_token', new DateInterval('10m')])
  const server = createServer((request, response) => {
    answer(authorization, request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end()
    })
  })
  return { server, close: rows.close }
}

function clientsOf(rows: Rows): object {
  return {
    getByIdentifier: async (id: string) => {
      const row = await rows.find('SELECT * FROM clients WHERE id = $1', [id])
      return row === null ? undefined : clientOf(row)
    },
    isClientValid: async (grant: string, client: JmondiClient, secret?: string) =>
      isSecretOf(client.secret, secret) && client.allowedGrants.includes(grant),
  }
}

function tokensOf(rows: Rows): object {
  return {
    issueToken: async (client: JmondiClient, scopes: JmondiToken['scopes'], user: JmondiToken['user']) => ({
      accessToken: generateRandomToken(),
      accessTokenExpiresAt: new DateInterval('10m').getEndDate(),
      refreshToken: null,
      refreshTokenExpiresAt: null,
      client,
      user,
      scopes,
    }),
    getByRefreshToken: async (refreshToken: string) => {
      const row = await rows.find(findText, [refreshToken])
      if (row === null) throw OAuthException.invalidGrant('unknown refresh token')
      return tokenOf(row)
    },
    isRefreshTokenRevoked: async (token: JmondiToken) => Date.now() > (token.refreshTokenExpiresAt?.getTime() ?? 0),
    persist: async ({ accessToken, accessTokenExpiresAt, client, user, scopes }: JmondiToken) => {
      const names = scopes.map(one => one.name).join(' ')
      const expiresMs = accessTokenExpiresAt.getTime()
      await rows.change(insertToken, [accessToken, expiresMs, null, null, client.id, user?.id ?? '', names])
    },
    // The example updates whatever it finds; with the condition two requests at once cannot both rotate one token.
    revoke: async (token: JmondiToken) => {
      const text = `UPDATE tokens SET access_expires_ms = 0, refresh_expires_ms = 0
        WHERE access_token = $1 AND refresh_expires_ms > 0`
      const changes = await rows.change(text, [token.accessToken])
      if (changes !== 1) throw OAuthException.invalidGrant('spent refresh token')
    },
    issueRefreshToken: async (token: JmondiToken) => {
      const refreshToken = generateRandomToken()
      const refreshTokenExpiresAt = new DateInterval('30d').getEndDate()
      const text = 'UPDATE tokens SET refresh_token = $1, refresh_expires_ms = $2 WHERE access_token = $3'
      await rows.change(text, [refreshToken, refreshTokenExpiresAt.getTime(), token.accessToken])
      return { ...token, refreshToken, refreshTokenExpiresAt }
    },
  }
}

function scopesOf(rows: Rows): object {
  return {
    getAllByIdentifiers: async (names: readonly string[]) => {
      const found = await Promise.all(names.map(name => rows.find('SELECT name FROM scopes WHERE name = $1', [name])))
      return found.flatMap(row => (row === null ? [] : { name: String(row['name']) }))
    },
    finalize: async (scopes: unknown) => scopes,
  }
}

function jwtOf(secrets: PeerSecrets): object {
  const signingKey = createPrivateKey({ key: Buffer.from(secrets.signingKey, 'base64'), format: 'der', type: 'pkcs8' })
  const signed = accessTokenSigner(signingKey, 'bench')
  return {
    sign: async (claims: object) => signed({ ...claims, aud: resource, jti: randomUUID() }),
    verify: async () => Promise.reject(new Error('nothing of the bench is verified by this program')),
    decode: () => null,
  }
}

function clientOf(row: Row): JmondiClient {
  return {
    id: String(row['id']),
    name: String(row['name']),
    secret: String(row['secret_hash']),
    redirectUris: String(row['redirect_uris']).split(' '),
    allowedGrants: String(row['grants']).split(' '),
    scopes: scopesIn(row['scopes']),
  }
}

function tokenOf(row: Row): JmondiToken {
  return {
    accessToken: String(row['access_token']),
    accessTokenExpiresAt: new Date(Number(row['access_expires_ms'])),
    refreshToken: String(row['refresh_token']),
    refreshTokenExpiresAt: new Date(Number(row['refresh_expires_ms'])),
    client: clientOf(row),
    user: { id: String(row['user_id']) },
    scopes: scopesIn(row['token_scopes']),
  }
}

function scopesIn(text: unknown): { readonly name: string }[] {
  const names = typeof text === 'string' ? text : scope
  return names.split(' ').map(name => ({ name }))
}

async function answer(
  authorization: AuthorizationServer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readForm(request)
  const { status, value } = await authorization
    .respondToAccessTokenRequest(new OAuthRequest({ headers: request.headers, body }))
    .then(granted => ({ status: granted.status, value: granted.body }))
    .catch((error: unknown) => {
      if (!(error instanceof OAuthException)) throw error
      return { status: error.status, value: { error: error.errorType } }
    })
  const text = JSON.stringify(value)
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
