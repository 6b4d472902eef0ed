/**
 * `@node-oauth/oauth2-server`, which leaves storage and signing to a model. The model follows its documentation: rotation
 * destroys the old refresh token and saves the new one, two writes one after the other; tokens are stored as they are. The
 * access token is a JWT from `generateAccessToken`, so that nothing of it need be stored.
 */

import { createPrivateKey, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import OAuth2Server from '@node-oauth/oauth2-server'
import type { Place } from '../contender.ts'
import { accessTokenSigner } from '../es256.ts'
import type { Committing } from '../group-commit.ts'
import type { Service } from '../processes.ts'
import {
  accessTokenSeconds,
  isSecretOf,
  issuer,
  type PeerSecrets,
  readForm,
  refreshTokenSeconds,
  resource,
} from './peer.ts'
import { openRows, type Rows } from './rows.ts'

export const nodeOauthTables = `
CREATE TABLE clients (id text PRIMARY KEY, secret_hash text NOT NULL, grants text NOT NULL);
CREATE TABLE users (id text PRIMARY KEY, email text NOT NULL);
CREATE TABLE refresh_tokens (refresh_token text PRIMARY KEY, client_id text NOT NULL, user_id text NOT NULL,
  scope text NOT NULL, expires_ms bigint NOT NULL)`

export const insertRefreshToken =
  'INSERT INTO refresh_tokens (refresh_token, client_id, user_id, scope, expires_ms) VALUES ($1, $2, $3, $4, $5)'

const findText = `SELECT t.scope, t.expires_ms, c.id AS client_id, c.grants, u.id AS user_id
FROM refresh_tokens t JOIN clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id WHERE t.refresh_token = $1`

export function openNodeOauth(place: Place, secrets: PeerSecrets, committing: Committing): Service {
  const rows = openRows(place, committing)
  const oauth = new OAuth2Server({
    model: modelOf(rows, secrets),
    accessTokenLifetime: accessTokenSeconds,
    refreshTokenLifetime: refreshTokenSeconds,
  })
  const server = createServer((request, response) => {
    answer(oauth, request, response).catch((error: unknown) => {
      console.error(error)
      response.writeHead(500).end()
    })
  })
  return { server, close: rows.close }
}

function modelOf(rows: Rows, secrets: PeerSecrets): OAuth2Server.RefreshTokenModel {
  const signingKey = createPrivateKey({ key: Buffer.from(secrets.signingKey, 'base64'), format: 'der', type: 'pkcs8' })
  const signed = accessTokenSigner(signingKey, 'bench')
  return {
    getClient: async (id, secret) => {
      const row = await rows.find('SELECT id, secret_hash, grants FROM clients WHERE id = $1', [id])
      return row !== null && isSecretOf(row['secret_hash'], secret) ? clientOf(row['id'], row['grants']) : null
    },
    generateAccessToken: async (client, user, scope) => {
      const iat = Math.floor(Date.now() / 1000)
      const subject = { sub: user.id, client_id: client.id, scope: scope.join(' ') }
      return signed({ iss: issuer, aud: resource, ...subject, jti: randomUUID(), iat, exp: iat + accessTokenSeconds })
    },
    getRefreshToken: async refreshToken => {
      const row = await rows.find(findText, [refreshToken])
      if (row === null) return null
      return {
        refreshToken,
        refreshTokenExpiresAt: new Date(Number(row['expires_ms'])),
        scope: String(row['scope']).split(' '),
        client: clientOf(row['client_id'], row['grants']),
        user: { id: String(row['user_id']) },
      }
    },
    revokeToken: async ({ refreshToken }) =>
      (await rows.change('DELETE FROM refresh_tokens WHERE refresh_token = $1', [refreshToken])) === 1,
    saveToken: async (token, client, user) => {
      const expiresMs = token.refreshTokenExpiresAt.getTime()
      await rows.change(insertRefreshToken, [token.refreshToken, client.id, user.id, token.scope.join(' '), expiresMs])
      return { ...token, client, user }
    },
  }
}

function clientOf(id: unknown, grants: unknown): OAuth2Server.Client {
  return { id: String(id), grants: String(grants).split(' ') }
}

async function answer(oauth: OAuth2Server, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readForm(request)
  const { headers, method } = request
  const outcome = new OAuth2Server.Response()
  try {
    await oauth.token(new OAuth2Server.Request({ headers, method, query: {}, body }), outcome)
  } catch (error) {
    // Refusals are thrown after they were written into the answer; anything else is not one.
    if (outcome.status === undefined || outcome.status >= 500) throw error
  }
  const text = JSON.stringify(outcome.body)
  response.writeHead(outcome.status ?? 200, {
    ...outcome.headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
