/** Pages, redirects and errors as a browser gets them. Everything here is uncacheable and cannot be framed. */

import type { Client } from '../../domain/client/client.ts'
import type { ClientAbout } from '../../domain/client/client-about.ts'
import { hostOfDocument } from '../../domain/client/document-url.ts'
import { isVouchedFor } from '../../domain/client/client-source.ts'
import type { RequestId } from '../../domain/identifiers.ts'
import type { AuthorizationServer } from '../../oauth/authorization-server.ts'
import type { AuthorizationResponse } from '../../oauth/authorize/authorization-response.ts'
import { deliver, locationOf } from '../../oauth/authorize/deliver.ts'
import { answerDevice } from '../../oauth/authorize/waiting-device.ts'
import { OAuthError, retryAfterSecondsDefault } from '../../oauth/oauth-error.ts'
import type { HttpRequest, HttpResponse } from '../exchange.ts'
import { isForNow } from '../oauth-failure.ts'
import type { ClientOnPage, ClientPage } from '../pages/client-on-page.ts'
import { deviceDonePage } from '../pages/device-pages.ts'
import { errorPage } from '../pages/error-page.ts'
import { formPostPage } from '../pages/form-post-page.ts'
import type { Page } from '../pages/layout.ts'
import { leavePage } from '../pages/leave-page.ts'

export function pageResponse(page: Page, status = 200): HttpResponse {
  return { status, headers: page.headers, body: page.body }
}

/** RFC 9110 §15.4.4: whatever the method was, the browser goes on with GET. */
export function seeOther(location: string): HttpResponse {
  const headers = {
    Location: location,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  }
  return { status: 303, headers, body: '' }
}

/** Back to the application, by redirect or by a form that posts itself; to a device there is no way from here. */
export async function authorizationResponse(
  server: AuthorizationServer,
  response: AuthorizationResponse,
): Promise<HttpResponse> {
  const { device } = response.to
  if (device !== null) {
    const outcome = await answerDevice(server, device, response)
    return pageResponse(deviceDonePage({ issuerHost: issuerHostOf(server), outcome }))
  }
  const delivery = await deliver(server, response)
  if (delivery.by === 'query') return seeOther(locationOf(delivery))
  const fields = Object.entries(delivery.parameters)
  return pageResponse(formPostPage({ issuerHost: issuerHostOf(server), action: delivery.redirectUri, fields }))
}

/**
 * An answer that no page of ours came before. An error would send the browser on unseen, and where nobody vouches for the
 * client that could be anywhere: the person is told, and goes there by their own hand (RFC 9700 §4.11.2).
 */
export async function unaskedResponse(
  server: AuthorizationServer,
  client: Client,
  response: AuthorizationResponse,
): Promise<HttpResponse> {
  if (response.parameters['error'] === undefined || isVouchedFor(client)) return authorizationResponse(server, response)
  const { by, redirectUri, ...delivery } = await deliver(server, response)
  const way = by === 'query' ? { href: locationOf({ by, redirectUri, ...delivery }) } : { action: redirectUri }
  const props = { issuerHost: issuerHostOf(server), client: clientOnPage(client, redirectUri) }
  return pageResponse(leavePage({ ...props, way, fields: Object.entries(delivery.parameters) }), 400)
}

export function issuerHostOf(server: AuthorizationServer): string {
  return new URL(server.issuer).host
}

export function clientOnPage(client: Client, redirectUri: string): ClientOnPage {
  const published = client.source?.kind === 'document' ? { publishedAt: hostOfDocument(client.id) } : {}
  return { name: client.name, host: hostOf(redirectUri), pages: pagesOf(client.about), ...published }
}

function pagesOf({ clientUri, policyUri, tosUri }: ClientAbout): readonly ClientPage[] {
  const pages = [
    { words: 'Its website', href: clientUri },
    { words: 'What it does with your data', href: policyUri },
    { words: 'Its terms', href: tosUri },
  ]
  return pages.flatMap(({ words, href }) => (href === null ? [] : [{ words, href }]))
}

/** How an error is told to a person. The id leads the operator to the reason. */
export function pageFailure(server: AuthorizationServer): (error: unknown, requestId: RequestId) => HttpResponse {
  return (error, requestId) => {
    const { status, title, message, headers } = told(error)
    const response = pageResponse(
      errorPage({ issuerHost: issuerHostOf(server), title, message, requestId, status }),
      status,
    )
    return { ...response, headers: { ...response.headers, ...headers } }
  }
}

/**
 * Posts come from our own pages. Browsers say where a post comes from; the pages' `no-referrer` makes `Origin` null, so
 * it is `Sec-Fetch-Site` that counts. Sibling sites are strangers too.
 */
export function refuseForeignPost(request: HttpRequest): void {
  const site = request.headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return
  throw new OAuthError('access_denied', `a form was posted from ${site}`, {
    status: 403,
    description: 'This form was sent from another site.',
  })
}

export function staleForm(): OAuthError {
  return new OAuthError('invalid_request', 'the state was not sealed for this browser, or has run out', {
    description:
      'This page is too old, or belongs to another browser. Please go back to the application and start again.',
  })
}

interface Told {
  readonly status: number
  readonly title: string
  readonly message: string
  readonly headers: { readonly [name: string]: string }
}

function told(error: unknown): Told {
  if (error instanceof OAuthError) {
    return { status: error.status, title: 'That did not work', message: error.description, headers: error.headers }
  }
  if (isForNow(error)) {
    const message = 'The server cannot answer at this moment. Please try again in a few seconds.'
    return {
      status: 503,
      title: 'Please try again',
      message,
      headers: { 'Retry-After': String(retryAfterSecondsDefault) },
    }
  }
  const message = 'Something unexpected happened here. Please try again; if it stays like this, ask for help.'
  return { status: 500, title: 'Something went wrong', message, headers: {} }
}

/** What a person reads of an address: its host, or the scheme of a native application. */
export function hostOf(uri: string): string | null {
  if (uri === '') return null
  const url = new URL(uri)
  return url.host === '' ? url.protocol.slice(0, -1) : url.hostname
}
