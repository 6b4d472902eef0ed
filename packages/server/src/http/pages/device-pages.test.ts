import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deviceConsentPage, deviceDonePage, userCodePage } from './device-pages.ts'
import type { Page } from './layout.ts'

const payloads = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload=alert(1) x='",
  '</dd></dl><form action=https://attacker.example>',
  '&lt;script&gt;',
  '\u202Ereversed',
]

describe('the pages of a device', () => {
  for (const payload of payloads) {
    it(`CK-16 have the same markup as with harmless text: ${JSON.stringify(payload)}`, () => {
      assert.deepEqual(pagesWith(payload).map(skeletonOf), pagesWith('harmless').map(skeletonOf))
    })
  }

  it('warn of codes that somebody sent, on the way in and before the yes', () => {
    const [typing, asking] = pagesWith('x')
    assert.ok(typing?.body.includes('Did somebody send you this code or a link to this page?'))
    assert.ok(asking?.body.includes('Nobody has a reason to send you a code'))
    assert.ok(asking?.body.includes('Any program can call itself by this name.'))
  })

  it('offer both answers in the one form, none of them first by weight', () => {
    const [, asking] = pagesWith('x')
    assert.deepEqual(asking?.body.match(/value="(allow|deny)"/g), ['value="allow"', 'value="deny"'])
  })

  it('say how long to wait, and that a device which is elsewhere is elsewhere', () => {
    const problem = { kind: 'throttled', retryAfterSeconds: 841 } as const
    assert.ok(userCodePage({ issuerHost: 'x', userCode: '', problem }).body.includes('Please wait 15 minutes'))
    const far = consent('x', false).body
    assert.ok(far.includes('another network than yours') && !far.includes('the network you are on now'))
  })

  it('have words for a program that does not say what it is', () => {
    assert.ok(consent('', true).body.includes('a program that does not say what it is'))
  })
})

function pagesWith(text: string): Page[] {
  return [
    userCodePage({ issuerHost: text, userCode: text, problem: { kind: 'unknown' } }),
    consent(text, true),
    deviceDonePage({ issuerHost: text, outcome: 'allowed' }),
    deviceDonePage({ issuerHost: text, outcome: 'refused' }),
    deviceDonePage({ issuerHost: text, outcome: 'allowed_before' }),
  ]
}

function consent(text: string, isNearby: boolean): Page {
  return deviceConsentPage({
    issuerHost: text,
    stateToken: text,
    client: { name: text, host: null },
    clientIsCertain: false,
    userEmail: text,
    scopes: [text],
    resources: [text],
    details: [],
    lasting: { kind: 'once', accessSeconds: 600 },
    device: { userCode: text, address: text, userAgent: text, askedSecondsAgo: 7, isNearby },
  })
}

/** The tags without what stands between quotes. */
function skeletonOf({ body }: Page): readonly string[] {
  const { body: markup = '' } = /<body>(?<body>[\s\S]*)<\/body>/.exec(body)?.groups ?? {}
  return (markup.match(/<[^>]*>/g) ?? []).map(tag => tag.replaceAll(/"[^"]*"/g, '""'))
}
