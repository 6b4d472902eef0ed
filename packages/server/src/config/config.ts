/**
 * The configuration a server or a command runs with: settings, plus what follows from them. Built once, at start; every
 * refusal of something unsafe happens here (OP-01), before a store is opened or a key is used.
 */

import { join } from 'node:path'
import type { MasterKeys } from '../domain/keys/master-keys.ts'
import type { RegistrationMode } from '../domain/registration/registration-rules.ts'
import { ConfigRefused } from './config-refused.ts'
import { isLoopbackIssuer } from './issuer.ts'
import { type MailPlace, mailPlace } from './mail-place.ts'
import type { Settings } from './settings.ts'
import { type ClientCertificates, clientCertificatesOf, judgeTls } from './tls-settings.ts'
import {
  isEncryptionUnproven,
  isPostgresUrl,
  postgresPlace,
  sqlitePlace,
  type StorePlace,
  withEncryption,
} from './store-place.ts'

export interface Config
  extends Omit<Settings, 'issuer' | 'store' | 'mail' | 'registration' | 'clientDocumentHosts' | 'resources'> {
  /** Without a trailing slash. The only name of this server: no Host header is ever asked. */
  readonly issuer: string
  /** How clients show certificates, or null where they cannot. */
  readonly clientCertificates: ClientCertificates | null
  /** True when the issuer is on loopback. */
  readonly development: boolean
  readonly registration: RegistrationMode
  readonly resources: 'registered' | 'any'
  /** `*`: every host. */
  readonly clientDocumentHosts: readonly string[]
  /** Where mail goes out, or null. Not printable: there is a password in it. */
  readonly mailPlace: MailPlace | null
  /** Not printable where it holds a URL: there may be a password in it. */
  readonly place: StorePlace
  /** Not printable: a logged configuration never shows them. */
  readonly masterKeys: MasterKeys
}

/**
 * A clock before this moment is wrong: the program did not exist. Every release moves it; a clock that far back would
 * hand out tokens that are long over, or keep ended ones alive.
 */
export const releasedAtMs = 1_795_305_600_000

/**
 * Completes settings once the port, and with it the issuer of a development server, is known. Throws `ConfigRefused` for
 * a store that is not safe to use.
 */
export function completeConfig(settings: Settings, masterKeys: MasterKeys, listeningPort: number): Config {
  refuseUnsafeStore(settings)
  const tlsRefusal = judgeTls(settings)
  if (tlsRefusal !== null) throw new ConfigRefused(tlsRefusal)
  const issuer = settings.issuer ?? `${settings.tlsCert === null ? 'http' : 'https'}://localhost:${listeningPort}`
  const { store: _, mail: __, ...others } = settings
  const development = isLoopbackIssuer(issuer)
  return {
    ...others,
    issuer,
    clientCertificates: clientCertificatesOf(settings, issuer),
    development,
    registration: settings.registration ?? (development ? 'open' : 'off'),
    resources: settings.resources ?? (development ? 'any' : 'registered'),
    clientDocumentHosts: settings.clientDocumentHosts ?? (development ? ['*'] : []),
    mailPlace: mailPlaceOf(settings),
    place: storePlaceOf(settings),
    masterKeys,
  }
}

export function storePlaceOf(settings: Settings): StorePlace {
  const { store, data, storeConnections, syncStandbys, allowLosingRotations } = settings
  if (store === null) return sqlitePlace(join(data, 'pawl.db'))
  if (!isPostgresUrl(store)) return sqlitePlace(store.slice('sqlite:'.length))
  const needs = { syncStandbysMin: syncStandbys, allowLosingRotations }
  return postgresPlace({ url: withEncryption(store), connections: storeConnections, ...needs })
}

function mailPlaceOf(settings: Settings): MailPlace | null {
  const { mail, mailFrom, signUp } = settings
  if (mail !== null && mailFrom === null) {
    throw new ConfigRefused('--mail needs --mail-from: the address that mail comes from.')
  }
  if (mail === null && signUp && !isDevelopment(settings)) {
    throw new ConfigRefused(
      '--sign-up needs --mail: that somebody reads mail at an address is what gives them an account.',
    )
  }
  return mail === null || mailFrom === null ? null : mailPlace(mail, mailFrom)
}

function refuseUnsafeStore(settings: Settings): void {
  const { store, syncStandbys, allowLosingRotations } = settings
  if (syncStandbys > 0 && (store === null || !isPostgresUrl(store))) {
    throw new ConfigRefused(
      '--sync-standbys is for PostgreSQL: SQLite has no standby. Leave it out, or name a --store.',
    )
  }
  if (isDevelopment(settings)) return
  if (allowLosingRotations) {
    throw new ConfigRefused(
      '--allow-losing-rotations is for development: an answer that is not durable logs people out and lets thieves stay. Leave it out.',
    )
  }
  if (store !== null && isEncryptionUnproven(store)) {
    throw new ConfigRefused(
      'sslmode=no-verify encrypts to whoever answers in the place of the database: say sslmode=verify-full, with sslrootcert=FILE where the authority is your own.',
    )
  }
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
