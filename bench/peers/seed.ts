/** Writes the databases of the peers: a client, and families with a user and a living refresh token each. */

import { randomBytes } from 'node:crypto'
import type { Place } from '../contender.ts'
import { redirectUri } from '../redemption.ts'
import { hashOf, type PeerSecrets, refreshTokenSeconds, resource, scope } from './peer.ts'
import { openRows, type Rows, type Value } from './rows.ts'

/** Families that are seeded at the same time, so that they share commits. */
const seededTogether = 200

export interface Seeding {
  readonly place: Place
  readonly secrets: PeerSecrets
  readonly families: number
}

/** Each answers the refresh tokens, in the order they were made. */
export async function seedNodeOauth({ place, secrets, families }: Seeding): Promise<string[]> {
  const { insertRefreshToken, nodeOauthTables } = await import('./node-oauth.ts')
  const rows = openRows(place, 'together')
  await rows.define(nodeOauthTables)
  const client = [secrets.clientId, hashOf(secrets.clientSecret), 'refresh_token']
  await rows.change('INSERT INTO clients (id, secret_hash, grants) VALUES ($1, $2, $3)', client)
  const tokens = await together(families, async number => {
    const token = newToken()
    const user = await addUser(rows, number)
    await rows.change(insertRefreshToken, [token, secrets.clientId, user, scope, expiresMs()])
    return token
  })
  await rows.close()
  return tokens
}

export async function seedJmondi({ place, secrets, families }: Seeding): Promise<string[]> {
  const { insertToken, jmondiTables } = await import('./jmondi.ts')
  const rows = openRows(place, 'together')
  await rows.define(jmondiTables)
  await rows.change('INSERT INTO scopes (name) VALUES ($1)', [scope])
  const client = [secrets.clientId, 'bench', hashOf(secrets.clientSecret), 'refresh_token', scope, redirectUri]
  const columns = 'id, name, secret_hash, grants, scopes, redirect_uris'
  await rows.change(`INSERT INTO clients (${columns}) VALUES ($1, $2, $3, $4, $5, $6)`, client)
  const tokens = await together(families, async number => {
    const token = newToken()
    const user = await addUser(rows, number)
    const row: Value[] = [newToken(), expiresMs(), token, expiresMs(), secrets.clientId, user, scope]
    await rows.change(insertToken, row)
    return token
  })
  await rows.close()
  return tokens
}

export async function seedBetterAuth({ place, secrets, families }: Seeding): Promise<string[]> {
  const { migrateBetterAuth, openBetterAuth } = await import('./better-auth.ts')
  await migrateBetterAuth(place, secrets)
  const { auth, close } = openBetterAuth(place, secrets)
  const { adapter } = await auth.$context
  const now = new Date()
  await adapter.create({
    model: 'oauthClient',
    data: {
      clientId: secrets.clientId,
      clientSecret: hashOf(secrets.clientSecret),
      name: 'bench',
      redirectUris: [redirectUri],
      tokenEndpointAuthMethod: 'client_secret_basic',
      grantTypes: ['authorization_code', 'refresh_token'],
      responseTypes: ['code'],
      scopes: ['offline_access', scope],
      createdAt: now,
      updatedAt: now,
    },
  })
  const tokens = await together(families, async number => {
    const token = newToken()
    const user = { name: `User ${number}`, email: `user-${number}@bench.example`, emailVerified: true }
    const { id } = await adapter.create({ model: 'user', data: { ...user, createdAt: now, updatedAt: now } })
    const grant = { clientId: secrets.clientId, userId: id, scopes: ['offline_access', scope], resources: [resource] }
    const times = { authTime: now, createdAt: now, expiresAt: new Date(expiresMs()) }
    await adapter.create({ model: 'oauthRefreshToken', data: { token: hashOf(token), ...grant, ...times } })
    return token
  })
  await close()
  return tokens
}

async function addUser(rows: Rows, number: number): Promise<string> {
  const id = `user-${number}`
  await rows.change('INSERT INTO users (id, email) VALUES ($1, $2)', [id, `${id}@bench.example`])
  return id
}

async function together(count: number, one: (number: number) => Promise<string>): Promise<string[]> {
  const made: string[] = []
  while (made.length < count) {
    const from = made.length
    const next = Array.from({ length: Math.min(seededTogether, count - from) }, (_, at) => one(from + at))
    made.push(...(await Promise.all(next)))
  }
  return made
}

function newToken(): string {
  return randomBytes(32).toString('hex')
}

function expiresMs(): number {
  return Date.now() + refreshTokenSeconds * 1000
}
