/** What goes back to the application through the browser (OAuth 2.1 §4.1.2). Always with `iss` (RFC 9207). */

import type { ClientId, FamilyId } from '@pawl/family'
import type { Caller } from '../../domain/event/new-event.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import type { OAuthErrorCode } from '../oauth-error.ts'

/** `jwt` stands for `query.jwt` (JARM §2.3.4). Nothing is ever answered in a fragment. */
export const responseModes = ['query', 'form_post', 'query.jwt', 'form_post.jwt'] as const
export type ResponseMode = (typeof responseModes)[number]

/** Where answers to one authorization request go. The redirect URI has been found to be registered. */
export interface ReturnAddress {
  readonly clientId: ClientId
  readonly redirectUri: string
  readonly responseMode: ResponseMode
  readonly state: string | null
  /** What any answer closes: the pushed request it is to. Null for a request that is kept nowhere. */
  readonly pushed: Pushed | null
  /** A device that waits for the answer: then the browser has nowhere to take it, and the redirect URI is empty. */
  readonly device: WaitingDevice | null
}

/** A device as the person is told of it, who has to tell it from somebody else's (RFC 10027). */
export interface WaitingDevice {
  /** Of the family that a yes opens. */
  readonly familyId: FamilyId
  /** As the device shows it. */
  readonly userCode: string
  /** Where it asked from, and with what. */
  readonly address: string
  readonly userAgent: string
  readonly askedAtMs: number
  readonly endsAtMs: number
  /** Who entered its code. */
  readonly person: Caller
}

/** What a request that is kept goes by. */
export interface Pushed {
  readonly id: string
  /** Chosen when it was pushed: it opens this family or none. */
  readonly familyId: FamilyId
  /** Until when it may be answered, however often a person begins anew on our pages. */
  readonly endsAtMs: number
}

export interface AuthorizationResponse {
  readonly to: ReturnAddress
  readonly parameters: { readonly [name: string]: string }
}

export function successResponse(server: AuthorizationServer, to: ReturnAddress, code: string): AuthorizationResponse {
  return response(server, to, { code })
}

/** Nothing but a yes, to whoever asks for the rest in another way. */
export function emptyResponse(server: AuthorizationServer, to: ReturnAddress): AuthorizationResponse {
  return response(server, to, {})
}

/** The code says it to the client; the description is fixed text that names no secret. */
export function errorResponse(
  server: AuthorizationServer,
  to: ReturnAddress,
  error: { readonly code: OAuthErrorCode; readonly description: string },
): AuthorizationResponse {
  return response(server, to, { error: error.code, error_description: error.description })
}

function response(
  server: AuthorizationServer,
  to: ReturnAddress,
  parameters: { readonly [name: string]: string },
): AuthorizationResponse {
  const { state } = to
  return { to, parameters: { ...parameters, ...(state === null ? {} : { state }), iss: server.issuer } }
}
