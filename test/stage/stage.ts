/**
 * A whole server on a stage: real endpoints, a real database, a clock that stands still until it is told to move, and
 * randomness from a seed, so that every test can be played again. Nothing of ours is replaced by a stand-in.
 */

import { createHash } from 'node:crypto'
import type { ClientId } from '@pawl/family'
import { type ClientWithSecret, registerClient } from '../../packages/server/src/admin/clients.ts'
import { addUser } from '../../packages/server/src/admin/users.ts'
import { type Workbench, workbenchOf } from '../../packages/server/src/admin/workbench.ts'
import { completeConfig } from '../../packages/server/src/config/config.ts'
import { settingsSchema } from '../../packages/server/src/config/settings.ts'
import type { Entropy } from '../../packages/server/src/domain/entropy.ts'
import { keyedHasher } from '../../packages/server/src/domain/keys/keyed-hash.ts'
import { type MasterKeys, masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import { sealer } from '../../packages/server/src/domain/keys/seal.ts'
import type { Mail } from '../../packages/server/src/domain/mail/mail.ts'
import type { User } from '../../packages/server/src/domain/user/user.ts'
import { argon2Hasher, type Hashing } from '../../packages/server/src/domain/user/password.ts'
import { stderrLogger } from '../../packages/server/src/http/access-log.ts'
import type { StartTimer } from '../../packages/server/src/http/failure-delay.ts'
import { openOutbound, type OutboundWorld } from '../../packages/server/src/outbound/open-outbound.ts'
import { consoleMailer } from '../../packages/server/src/mail/console-mailer.ts'
import { openPawl, type Pawl } from '../../packages/server/src/pawl.ts'
import { type App, type AppOptions, app } from './app.ts'
import { type Browser, browser, type Ground, stagePassword } from './browser.ts'
import { openStageDatabase, type TestDatabase } from './database.ts'

/** Where every stage's time begins: an ordinary Tuesday noon. */
export const stageStartsAtMs = Date.UTC(2027, 2, 2, 12)

export interface StageOptions {
  /** One that outlives the stage. Without it the stage has its own: in memory, or dropped when it closes. */
  readonly database?: Pick<TestDatabase, 'store'>
  readonly seed?: string
  readonly keys?: MasterKeys
  readonly startsAtMs?: number
  /** Anything of `settingsSchema`. */
  readonly settings?: { readonly [name: string]: unknown }
  readonly hashing?: Hashing
  /** Holds back answers to guesses in the place of the machine's timers. */
  readonly startTimer?: StartTimer
  /** Name servers, roots of trust and timers for requests to others; by default the machine's own. */
  readonly outbound?: OutboundWorld
}

/** As cheap as argon2id can be: what a password costs is tested where passwords are. */
export const quickHashing: Hashing = { cost: { memoryKib: 8, passes: 1, lanes: 1 }, runningMax: 2, waitingMax: 32 }

export interface StageClock {
  readonly nowMs: () => number
  readonly advanceSeconds: (seconds: number) => void
  readonly advanceMs: (milliseconds: number) => void
  readonly set: (nowMs: number) => void
}

export interface Stage extends Ground {
  readonly pawl: Pawl
  readonly clock: StageClock
  readonly entropy: Entropy
  readonly keys: MasterKeys
  readonly workbench: Workbench
  /** What was mailed, the newest first. Mail goes out in the background: `settle` waits for it. */
  readonly mails: () => readonly Mail[]
  readonly addClient: (input: {
    readonly id: string
    readonly kind: string
    readonly [name: string]: unknown
  }) => Promise<ClientWithSecret>
  readonly addUser: (email?: string, password?: string) => Promise<User>
  readonly browser: (address?: string) => Browser
  /** An application that speaks for a registered client. */
  readonly app: (registered: ClientWithSecret, options?: AppOptions) => App
  readonly close: () => Promise<void>
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const entropy = seededEntropy(options.seed ?? 'stage')
  const clock = stageClock(options.startsAtMs ?? stageStartsAtMs)
  const keys = options.keys ?? masterKeys([newMasterKey(entropy, 1)])
  const own = options.database === undefined ? await openStageDatabase() : null
  const settings = settingsSchema.parse({
    store: (options.database ?? own)?.store,
    logLevel: 'silent',
    ...options.settings,
  })
  const config = completeConfig(settings, keys, 7295)
  const hashing = options.hashing ?? quickHashing
  const { startTimer, outbound } = options
  const timers = { ...(startTimer && { startTimer }), ...(outbound && { outbound }) }
  const mailer = consoleMailer(() => undefined)
  const logger = stderrLogger('silent')
  const world = { clock, databaseClock: clock, entropy, logger, hashing, mailer, ...timers }
  const pawl = await openPawl(config, world)
  const parts = {
    entropy,
    hasher: keyedHasher(keys, entropy),
    sealer: sealer(keys, entropy),
    passwords: argon2Hasher(entropy, hashing),
    outbound: openOutbound({ allowsLoopback: true, privateHosts: new Set() }, outbound),
    firstKeyPublishSeconds: 0,
  }
  const workbench = workbenchOf({ store: pawl.store, ...parts }, 'stage')
  const send: Stage['send'] = (path, init, address = '203.0.113.7') =>
    pawl.fetch(new Request(new URL(path, pawl.issuer), { redirect: 'manual', ...init }), { address })
  const stage: Stage = {
    pawl,
    issuer: pawl.issuer,
    clock,
    entropy,
    keys,
    workbench,
    mails: mailer.recent,
    send,
    addClient: input => registerClient(workbench, input),
    addUser: (email = 'ada@example.com', password = stagePassword) => addUser(workbench, { email, password }),
    browser: (address = '198.51.100.9') => browser(stage, address),
    app: (registered, appOptions) => app(stage, registered, appOptions),
    close: async () => {
      await pawl.close()
      await own?.drop()
    },
  }
  return stage
}

/** SHA-256 in counter mode over the seed: not for secrets, only for the same bytes in every run. */
export function seededEntropy(seed: string): Entropy {
  let counter = 0
  let pool = Buffer.alloc(0)
  return {
    bytes: count => {
      while (pool.length < count) {
        pool = Buffer.concat([pool, createHash('sha256').update(`${seed}:${counter}`).digest()])
        counter += 1
      }
      const drawn = Uint8Array.from(pool.subarray(0, count))
      pool = pool.subarray(count)
      return drawn
    },
  }
}

export function clientId(registered: ClientWithSecret): ClientId {
  return registered.client.id
}

function stageClock(startsAtMs: number): StageClock {
  let nowMs = startsAtMs
  return {
    nowMs: () => nowMs,
    advanceSeconds: seconds => {
      nowMs += seconds * 1000
    },
    advanceMs: milliseconds => {
      nowMs += milliseconds
    },
    set: to => {
      nowMs = to
    },
  }
}
