/**
 * The configuration a server or a command runs with: settings, plus what follows from them. Built once, at start; every
 * refusal of something unsafe happens here (OP-01), before a store is opened or a key is used.
 */

import { join } from 'node:path'
import type { MasterKeys } from '../domain/keys/master-keys.ts'
import { ConfigRefused } from './config-refused.ts'
import { isLoopbackIssuer } from './issuer.ts'
import type { Settings } from './settings.ts'

export interface Config extends Omit<Settings, 'issuer'> {
  /** Without a trailing slash. The only name of this server: no Host header is ever asked. */
  readonly issuer: string
  /** True when the issuer is on loopback. */
  readonly development: boolean
  readonly databasePath: string
  /** Not printable: a logged configuration never shows them. */
  readonly masterKeys: MasterKeys
}

/**
 * A clock before this moment is wrong: the program did not exist. Every release moves it; a clock that far back would
 * hand out tokens that are long over, or keep ended ones alive.
 */
export const releasedAtMs = 1_795_305_600_000

/** Completes settings once the port, and with it the issuer of a development server, is known. */
export function completeConfig(settings: Settings, masterKeys: MasterKeys, listeningPort: number): Config {
  const issuer = settings.issuer ?? `http://localhost:${listeningPort}`
  return {
    ...settings,
    issuer,
    development: isLoopbackIssuer(issuer),
    databasePath: databasePathOf(settings),
    masterKeys,
  }
}

export function databasePathOf(settings: Settings): string {
  return settings.store === null ? join(settings.data, 'pawl.db') : settings.store.slice('sqlite:'.length)
}

/** True while the settings make a development server: the issuer is on loopback, or will be. */
export function isDevelopment(settings: Settings): boolean {
  return settings.issuer === null || isLoopbackIssuer(settings.issuer)
}

/** Throws `ConfigRefused` when the machine's clock cannot be right. Development runs on whatever clock there is. */
export function checkClock(settings: Settings, nowMs: number): void {
  if (isDevelopment(settings) || nowMs >= releasedAtMs) return
  throw new ConfigRefused(
    'The clock of this machine is before the day Pawl was built: set it (timedatectl set-ntp true) and start again.',
  )
}
