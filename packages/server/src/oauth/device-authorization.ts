/**
 * The device authorization endpoint (RFC 8628 §3.1): a device asks to be let in, and gets a code to show to a person and
 * one to wait with. Nothing is granted here, and anybody may ask for a public client, so what is kept is bounded by where
 * it came from and by client.
 */

import { type Client, deviceCodeGrantType, isPublicClient } from '../domain/client/client.ts'
import type { DeviceRequest } from '../domain/device/device-request.ts'
import { newUserCode, shownUserCode, type UserCode } from '../domain/device/user-code.ts'
import { newFamilyId, parseClientId } from '../domain/identifiers.ts'
import { StoreUnavailable } from '../domain/store.ts'
import { networkOf } from '../domain/throttle/network.ts'
import { charge, type Limit, secondsUntil } from '../domain/throttle/throttle.ts'
import { requestedDetails } from './authorization-details.ts'
import { scopesOf } from './authorize/authorization-request.ts'
import type { AuthorizationServer, ProtocolRequest } from './authorization-server.ts'
import { authenticateClient } from './client-authentication.ts'
import { endpointPaths } from './metadata.ts'
import { OAuthError } from './oauth-error.ts'
import { findClient } from './registration/find-client.ts'
import { requestedResources } from './requested-resources.ts'

/** Of one network, for public clients, in the life of a device code. */
export const devicesPerNetworkMax = 100
/** Of one client, likewise. It bounds the table: a row is gone soon after its code. */
export const devicesPerClientMax = 20_000
/** Waiting codes are few among all there can be, so the first draw is nearly always free. */
const userCodeDrawsMax = 8

export interface DeviceAuthorizationAnswer {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

export async function answerDeviceAuthorization(
  server: AuthorizationServer,
  request: ProtocolRequest,
): Promise<DeviceAuthorizationAnswer> {
  // One that publishes itself as a document may come here first.
  const named = parseClientId(request.parameters.get('client_id') ?? '')
  if (named !== null) await findClient(server, named, request.caller)
  const client = await authenticateClient(server, request)
  const context = { clientId: client.id }
  if (!client.grantTypes.includes(deviceCodeGrantType)) {
    throw new OAuthError('unauthorized_client', 'not registered for the device grant', { context })
  }
  const asked = {
    scopes: scopesOf(client, request.parameters),
    resources: await requestedResources(server, client, request.parameters),
    authorizationDetails: await requestedDetails(server, client, request.parameters),
    address: request.caller.address,
    userAgent: request.caller.userAgent,
  }
  await limitDevices(server, client, request.caller.address)
  const { kept, userCode } = await keep(server, client, asked)
  const shown = shownUserCode(userCode)
  const verificationUri = server.issuer + endpointPaths.device
  return {
    device_code: server.codec.mint('device_code', { ...kept, generation: 0 }),
    user_code: shown,
    verification_uri: verificationUri,
    verification_uri_complete: `${verificationUri}?user_code=${shown}`,
    expires_in: server.rules.deviceCodeSeconds,
    interval: kept.intervalSeconds,
  }
}

/** What a user code is kept under: a copy of the database tells nobody a code that waits. */
export const userCodePurpose = 'user code'

async function keep(
  server: AuthorizationServer,
  client: Client,
  asked: DeviceRequest['asked'],
): Promise<{ readonly kept: DeviceRequest; readonly userCode: UserCode }> {
  const nowMs = await server.store.now()
  for (let draw = 0; draw < userCodeDrawsMax; draw++) {
    const userCode = newUserCode(server.entropy)
    const kept: DeviceRequest = {
      id: newFamilyId(nowMs, server.entropy),
      clientId: client.id,
      seed: server.entropy.bytes(32),
      keyId: server.currentKeyId,
      userCodeKey: server.hasher.keyOf(userCodePurpose, userCode),
      asked,
      claimedBy: null,
      decision: 'pending',
      intervalSeconds: server.rules.deviceIntervalSeconds,
      createdAtMs: nowMs,
      expiresAtMs: nowMs + server.rules.deviceCodeSeconds * 1000,
    }
    if ((await server.store.deviceRequests.add(kept)) === 'done') return { kept, userCode }
  }
  throw new StoreUnavailable(`${userCodeDrawsMax} user codes in a row were taken`)
}

async function limitDevices(server: AuthorizationServer, client: Client, address: string): Promise<void> {
  const windowSeconds = server.rules.deviceCodeSeconds
  const limit = (name: string, of: string, failuresMax: number): Limit => {
    return { name, key: server.hasher.keyOf('devices', `${name} ${of}`), failuresMax, windowSeconds }
  }
  const byNetwork = isPublicClient(client) ? [limit('network', networkOf(address), devicesPerNetworkMax)] : []
  const limits = [...byNetwork, limit('client', client.id, devicesPerClientMax)]
  const charged = await charge(server.store.throttles, limits)
  if (charged.kind === 'within') return
  throw new OAuthError('too_many_requests', `too many devices wait (${charged.limit.name})`, {
    context: { clientId: client.id },
    retryAfterSeconds: secondsUntil(charged.endsAtMs, await server.store.now()),
  })
}
