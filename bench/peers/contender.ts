/**
 * The peers from packages of their own, which are installed in this folder when they are first asked for, by `npm ci` on
 * the lock file beside this one.
 */

import { spawnSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  basicAuthorization,
  clusterOf,
  type Contender,
  type Endpoints,
  type StoreKind,
  launchServer,
  tokenOnly,
} from '../contender.ts'
import { type ContenderName, isPeer } from '../names.ts'
import { createDatabase } from '../postgres/cluster.ts'
import { resource } from './peer.ts'
import { textOf } from './rows.ts'
import { seedBetterAuth, type Seeding, seedJmondi, seedNodeOauth } from './seed.ts'

const folder = import.meta.dirname

interface Peer {
  readonly seed: (seeding: Seeding) => Promise<string[]>
  readonly endpoints: Endpoints
  /** The path of its JWK set; null where it has none and signs with the key it is given. */
  readonly jwks: string | null
}

const peers: { readonly [name: string]: Peer } = {
  'node-oauth': { seed: seedNodeOauth, endpoints: tokenOnly, jwks: null },
  jmondi: { seed: seedJmondi, endpoints: tokenOnly, jwks: null },
  'better-auth': {
    seed: seedBetterAuth,
    jwks: '/api/auth/jwks',
    endpoints: {
      ...tokenOnly,
      token: '/api/auth/oauth2/token',
      // Without it the access token would be opaque, and stored.
      refreshParameters: `&resource=${encodeURIComponent(resource)}`,
    },
  },
}

/** Installs the peers' packages where one of them is among the names and they are not there yet. */
export function installPeers(names: readonly ContenderName[]): void {
  if (!names.some(isPeer) || existsSync(join(folder, 'node_modules', '.package-lock.json'))) return
  process.stderr.write(`installing the peers in ${folder} with npm ci\n`)
  const { status } = spawnSync('npm', ['ci'], { cwd: folder, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`npm ci failed in ${folder}: the peers cannot be measured`)
}

/** The peers' versions as their package file pins them. */
export function peerVersions(): { readonly [name: string]: string } {
  const file = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  const shown = ['@node-oauth/oauth2-server', '@jmondi/oauth2-server', 'better-auth', '@better-auth/oauth-provider']
  return Object.fromEntries(shown.map(name => [name, file.dependencies[name] ?? 'unknown']))
}

export function peer(name: ContenderName, store: StoreKind): Contender {
  const kind = name.replace(/-(?:pg|plain)$/, '')
  const program = peers[kind]
  if (program === undefined) throw new Error(`there is no peer ${kind}`)
  return {
    name,
    store,
    start: async ground => {
      if (ground.idle > 0) throw new Error(`${name} has no way to write families in bulk`)
      const place =
        store === 'sqlite'
          ? ({ kind: store, file: join(ground.directory, `${kind}.sqlite`) } as const)
          : ({ kind: store, url: await createDatabase(clusterOf(ground), name) } as const)
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const secrets = {
        clientId: 'bench',
        clientSecret: randomBytes(32).toString('base64url'),
        signingKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
      }
      const tokens = await program.seed({ place, secrets, families: ground.families })
      const server = await launchServer(ground, [join(folder, 'server.ts'), kind, textOf(place)], {
        BENCH_CLIENT_ID: secrets.clientId,
        BENCH_CLIENT_SECRET: secrets.clientSecret,
        BENCH_SIGNING_KEY: secrets.signingKey,
        BENCH_COMMITTING: name.endsWith('-plain') ? 'alone' : 'together',
      })
      const authorization = basicAuthorization(secrets.clientId, secrets.clientSecret)
      const verifyingKey = program.jwks ?? publicKey.export({ format: 'jwk' })
      const { endpoints } = program
      return { name, ...server, tokens, codes: [], authorization, endpoints, verifyingKey, place }
    },
  }
}
