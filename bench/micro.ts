/**
 * `node bench/micro.ts`: what the parts of a rotation cost on this machine, one by one. They say where the time of a
 * rotation goes and which of two ways to do the same thing is cheaper here; they are no claim about any server.
 */

import {
  createHash,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  hash,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { describeMachine } from './measure/machine.ts'
import { median } from './measure/statistics.ts'
import { type Options, parseOptions } from './options.ts'
import { machineLines, publish, table } from './report.ts'

interface Part {
  readonly name: string
  /** How many operations one call stands for. */
  readonly operations: number
  readonly run: () => unknown
}

interface PartFigures {
  readonly part: string
  readonly micros: number
  readonly cpuMicros: number
}

const defaults = {
  only: [],
  connections: [1],
  seconds: 0.3,
  warmUpSeconds: 0.1,
  settleSeconds: 1,
  rounds: 5,
  families: [10_000],
  flushes: [],
}
const options = parseOptions(process.argv.slice(2), defaults, {
  seconds: 0.02,
  warmUpSeconds: 0.01,
  rounds: 1,
  families: [100],
})
const machine = describeMachine(options.directory)
const directory = mkdtempSync(join(options.directory, 'pawl-bench-'))
try {
  const commits = openCommits(join(directory, 'micro.sqlite'), Math.max(...options.families))
  const figures: PartFigures[] = []
  for (const part of [...signatureParts(), ...tagParts(), ...commits.parts]) figures.push(await measure(part, options))
  commits.close()
  const rows = figures.map(({ part, micros, cpuMicros }) => [part, '', micros.toFixed(2), cpuMicros.toFixed(2)])
  publish(options, { kind: 'micro', machine, options, figures }, [
    machineLines(machine),
    table(['part', '', 'µs each', 'CPU µs each'], rows),
  ])
} finally {
  rmSync(directory, { recursive: true, force: true })
}

/** The median of several rounds, after a warm-up; elapsed time and processor time of all threads. */
async function measure(part: Part, { rounds, seconds, warmUpSeconds }: Options): Promise<PartFigures> {
  await repeat(part, warmUpSeconds)
  const laps = []
  for (let round = 0; round < rounds; round++) laps.push(await repeat(part, seconds))
  return {
    part: part.name,
    micros: median(laps.map(lap => lap.micros)),
    cpuMicros: median(laps.map(lap => lap.cpuMicros)),
  }
}

async function repeat(part: Part, seconds: number): Promise<{ readonly micros: number; readonly cpuMicros: number }> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  let calls = 0
  let elapsedMs = 0
  while (elapsedMs < seconds * 1000) {
    const outcome = part.run()
    if (outcome instanceof Promise) await outcome
    calls++
    elapsedMs = performance.now() - fromMs
  }
  const used = process.cpuUsage(cpu)
  const operations = calls * part.operations
  return { micros: (elapsedMs * 1000) / operations, cpuMicros: (used.user + used.system) / operations }
}

function signatureParts(): Part[] {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const eddsa = generateKeyPairSync('ed25519').privateKey
  const input = randomBytes(400)
  const signInPool = promisify(sign)
  const together = 16
  return [
    { name: 'ES256 signature, DER, bare key', operations: 1, run: () => sign('sha256', input, privateKey) },
    {
      name: 'ES256 signature, DER, key in an object',
      operations: 1,
      run: () => sign('sha256', input, { key: privateKey }),
    },
    {
      name: 'ES256 signature, ieee-p1363',
      operations: 1,
      run: () => sign('sha256', input, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
    },
    {
      name: `ES256 signature, DER, thread pool, ${together} at once`,
      operations: together,
      run: () => Promise.all(Array.from({ length: together }, () => signInPool('sha256', input, privateKey))),
    },
    { name: 'EdDSA signature', operations: 1, run: () => sign(null, input, eddsa) },
    { name: 'RS256 signature, 2048 bits', operations: 1, run: () => sign('sha256', input, rsa) },
  ]
}

function tagParts(): Part[] {
  const bytes = randomBytes(32)
  const key = createSecretKey(bytes)
  const input = randomBytes(33)
  const block = randomBytes(64 + 33)
  return [
    {
      name: 'HMAC-SHA-256, createHmac, KeyObject',
      operations: 1,
      run: () => createHmac('sha256', key).update(input).digest(),
    },
    {
      name: 'HMAC-SHA-256, createHmac, bytes',
      operations: 1,
      run: () => createHmac('sha256', bytes).update(input).digest(),
    },
    { name: 'SHA-256, createHash', operations: 1, run: () => createHash('sha256').update(block).digest() },
    { name: 'SHA-256, hash, buffer', operations: 1, run: () => hash('sha256', block, 'buffer') },
    {
      name: 'SHA-256, hash, latin1 (an HMAC is two of these)',
      operations: 1,
      run: () => hash('sha256', block, 'latin1'),
    },
    { name: 'randomBytes(16)', operations: 1, run: () => randomBytes(16) },
    { name: 'randomUUID', operations: 1, run: () => randomUUID() },
    { name: 'JSON and base64url of claims', operations: 1, run: encodeClaims },
  ]
}

function encodeClaims(): string {
  const claims = {
    iss: 'https://issuer.example',
    sub: 'YWxpY2VhbGljZWFsaWNl',
    aud: 'https://api.example',
    client_id: 'bench',
    iat: 1,
    exp: 2,
  }
  return Buffer.from(JSON.stringify(claims)).toString('base64url')
}

/** Rows of about the size of a session; every update moves a random one, as rotations of many families do. */
function openCommits(file: string, rows: number): { readonly parts: readonly Part[]; readonly close: () => void } {
  const database = new DatabaseSync(file)
  database.exec(
    'PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 20000',
  )
  database.exec('CREATE TABLE families (id INTEGER PRIMARY KEY, generation INTEGER NOT NULL, bytes BLOB NOT NULL)')
  const insert = database.prepare('INSERT INTO families VALUES (?, 1, ?)')
  const update = database.prepare('UPDATE families SET generation = generation + 1 WHERE id = ?')
  const select = database.prepare('SELECT * FROM families WHERE id = ?')
  const payload = randomBytes(600)
  database.exec('BEGIN')
  for (let id = 1; id <= rows; id++) insert.run(id, payload)
  database.exec('COMMIT')
  let id = 0
  // 7919 is prime, so the walk meets every row and no two neighbours share a page.
  const nextId = (): number => (id = (id + 7919) % rows) + 1
  const batch = (size: number): Part => ({
    name: `SQLite update, durable, ${size} in a commit`,
    operations: size,
    run: () => {
      database.exec('BEGIN IMMEDIATE')
      for (let at = 0; at < size; at++) update.run(nextId())
      database.exec('COMMIT')
    },
  })
  const read: Part = { name: 'SQLite read of one row', operations: 1, run: () => select.get(nextId()) }
  return { parts: [read, batch(1), batch(16), batch(64), batch(256)], close: () => database.close() }
}
