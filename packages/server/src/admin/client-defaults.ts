/** What a client kind settles, so that nobody meets forty flags. One table; registration reads it. */

import { type AuthMethod, type ClientKind, deviceCodeGrantType, type GrantType } from '../domain/client/client.ts'
import { userScopes } from '../domain/user/user-scopes.ts'

export interface KindDefaults {
  readonly confidential: boolean
  readonly authMethod: AuthMethod
  readonly grantTypes: readonly GrantType[]
  readonly scopes: readonly string[]
  readonly accessSeconds: number
  readonly idleSeconds: number
  readonly absoluteSeconds: number
}

const minute = 60
const hour = 3600
const day = 86_400

export const accessSecondsDefault = 10 * minute
export const repeatSecondsDefault = minute

const serverSide: KindDefaults = {
  confidential: true,
  authMethod: 'client_secret_basic',
  grantTypes: ['authorization_code', 'refresh_token'],
  scopes: userScopes,
  accessSeconds: accessSecondsDefault,
  idleSeconds: 30 * day,
  absoluteSeconds: 90 * day,
}

const onDevice: KindDefaults = { ...serverSide, confidential: false, authMethod: 'none' }

const kindDefaults: { readonly [kind in ClientKind]: KindDefaults } = {
  web: serverSide,
  bff: serverSide,
  spa: { ...onDevice, grantTypes: ['authorization_code'], idleSeconds: hour, absoluteSeconds: 8 * hour },
  native: onDevice,
  device: { ...onDevice, grantTypes: [deviceCodeGrantType, 'refresh_token'] },
  integration: { ...serverSide, idleSeconds: 90 * day, absoluteSeconds: 365 * day },
  // A service holds no session: its family lives exactly as long as its access token.
  service: {
    ...serverSide,
    grantTypes: ['client_credentials'],
    scopes: [],
    idleSeconds: accessSecondsDefault,
    absoluteSeconds: accessSecondsDefault,
  },
}

export function defaultsOf(kind: ClientKind): KindDefaults {
  return kindDefaults[kind]
}
