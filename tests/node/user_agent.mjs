// A browser reduced to what a sign-in by HTML forms needs: cookies, redirects and forms.

const REDIRECTS_MAX = 10

export class UserAgent {
  #cookies = new Map()

  // Send one request to the issuer, with its cookies, and keep the cookies of the answer.
  async #send(url, options = {}) {
    const headers = new Headers(options.headers)
    if (this.#cookies.size > 0) {
      headers.set('cookie', [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    }
    const response = await fetch(url, { ...options, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  #keep(line) {
    const [pair, ...attributes] = line.split(';').map((part) => part.trim())
    const name = pair.slice(0, pair.indexOf('='))
    const expired = attributes.some((attribute) => {
      const [key, value] = attribute.split('=')
      if (key.toLowerCase() === 'max-age') return Number(value) <= 0
      return key.toLowerCase() === 'expires' && Date.parse(value) <= Date.now()
    })
    if (expired) this.#cookies.delete(name)
    else this.#cookies.set(name, pair.slice(pair.indexOf('=') + 1))
  }

  // Follow redirects until a page, or until an address that belongs to the application.
  async open(url, { application, ...options } = {}) {
    let target = new URL(url)
    let request = options
    for (let hop = 0; hop < REDIRECTS_MAX; hop += 1) {
      if (application !== undefined && target.href.startsWith(application)) {
        return { url: target, page: null }
      }
      const response = await this.#send(target, request)
      const location = response.headers.get('location')
      if (location === null) return { url: target, page: await response.text(), status: response.status }
      await response.body?.cancel()
      target = new URL(location, target)
      request = {}
    }
    throw new Error(`more than ${REDIRECTS_MAX} redirects, the last one to ${target}`)
  }

  // Fill in the form of a page and send it, as a person would.
  async submit({ url, page }, fields, options = {}) {
    const form = /<form\b[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i.exec(page)?.[0]
    if (form === undefined) throw new Error(`no form on ${url}:\n${page}`)
    const action = attribute(/<form\b[^>]*>/i.exec(form)[0], 'action') ?? url.href
    const values = new URLSearchParams()
    for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
      const name = attribute(input, 'name')
      if (name !== undefined) values.set(name, fields[name] ?? attribute(input, 'value') ?? '')
    }
    return this.open(new URL(action, url), { ...options, method: 'POST', body: values })
  }
}

function attribute(tag, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag)?.[1]
  return value?.replaceAll('&#34;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
