/** The configuration of a server, taken to another thread of it: plain data, in memory alone. It holds the master keys. */

import { formatMasterKeys, type MasterKeys, parseMasterKeys } from '../domain/keys/master-keys.ts'
import { completeConfig, type Config } from './config.ts'
import type { Settings } from './settings.ts'

export interface CarriedConfig {
  readonly settings: Settings
  readonly masterKeys: string
  /** The one the server listens on. */
  readonly port: number
}

export function carryConfig(settings: Settings, masterKeys: MasterKeys, port: number): CarriedConfig {
  return { settings, masterKeys: formatMasterKeys(masterKeys), port }
}

/** The same configuration on the other side: no file or variable is read again, which may have changed meanwhile. */
export function carriedConfig({ settings, masterKeys, port }: CarriedConfig): Config {
  return completeConfig(settings, parseMasterKeys(masterKeys), port)
}
