"""The words of mails in French and English; values/words.py has those that documents share.

A phrase is filled in once, so a brace in a name is a brace. Texts of law are not here:
mails quote the mentions of the document that they are about.
"""

from decimal import Decimal

from lib.values import words

# key: (French, English)
WORDS: dict[str, tuple[str, str]] = {
    "hello": ("Bonjour,", "Hello,"),
    "formal_hello": ("Madame, Monsieur,", "Dear Sir or Madam,"),
    "regards": ("Cordialement,", "Kind regards,"),
    "formal_regards": (
        "Veuillez agréer, Madame, Monsieur, nos salutations distinguées.",
        "Yours faithfully,",
    ),
    "labelled": ("{label} : {value}", "{label}: {value}"),
    "number": ("Numéro", "Number"),
    # --- invoices and credit notes
    "invoice_subject": (
        "Facture {number} : {amount}, échéance le {due}",
        "Invoice {number}: {amount}, due {due}",
    ),
    "plain_subject": ("{title} {number} du {date}", "{title} {number} of {date}"),
    "invoice_intro": (
        "Veuillez trouver ci-joint notre facture {number} du {date}.",
        "Please find attached our invoice {number} of {date}.",
    ),
    "nothing_due": ("Aucune somme n’est à régler.", "Nothing is to be paid."),
    "quote_reference": (
        "Merci d’indiquer cette référence dans le libellé de votre virement.",
        "Please quote this reference with your bank transfer.",
    ),
    "facturx": (
        "Le PDF joint est au format Factur-X : votre logiciel de comptabilité peut le lire"
        " directement.",
        "The attached PDF is in the Factur-X format: accounting software can read it as it is.",
    ),
    "credit_note_subject": (
        "Avoir {number} sur la facture {invoice} : {amount}",
        "Credit note {number} on invoice {invoice}: {amount}",
    ),
    "credit_note_intro": (
        "Veuillez trouver ci-joint notre avoir {number} du {date}, qui rectifie la facture"
        " {invoice} du {invoice_date}.",
        "Please find attached our credit note {number} of {date}, which corrects invoice"
        " {invoice} of {invoice_date}.",
    ),
    "reason": ("Motif", "Reason"),
    # --- in a seller's name
    "mandate_invoice_intro": (
        "Veuillez trouver ci-joint la facture {number} du {date}, établie par {issuer} au nom et"
        " pour le compte de {seller}.",
        "Please find attached invoice {number} of {date}, issued by {issuer} in the name and on"
        " behalf of {seller}.",
    ),
    "mandate_credit_note_intro": (
        "Veuillez trouver ci-joint l’avoir {number} du {date}, établi par {issuer} au nom et pour"
        " le compte de {seller}, qui rectifie la facture {invoice} du {invoice_date}.",
        "Please find attached credit note {number} of {date}, issued by {issuer} in the name and"
        " on behalf of {seller}, which corrects invoice {invoice} of {invoice_date}.",
    ),
    "by_mandate": ("{seller} (via {issuer})", "{seller} (via {issuer})"),
    "answer_seller": (
        "Ce message est envoyé par {issuer} pour le compte de {seller} ; votre réponse parviendra"
        " à {seller}.",
        "This message is sent by {issuer} on behalf of {seller}; your reply will reach {seller}.",
    ),
    # --- packages
    "package_subject": (
        "Documents émis en votre nom, {month} : {count}",
        "Documents issued in your name, {month}: {count}",
    ),
    "package_intro": (
        "Veuillez trouver ci-joint l’archive des documents émis en votre nom et pour votre compte"
        " pour {month} : {count}, soit {gross} TTC.",
        "Please find attached the archive of the documents issued in your name and on your behalf"
        " for {month}: {count}, {gross} including VAT.",
    ),
    "named_intro": (
        "L’archive des documents émis en votre nom et pour votre compte pour {month} est prête :"
        " {count}, soit {gross} TTC.",
        "The archive of the documents issued in your name and on your behalf for {month} is ready:"
        " {count}, {gross} including VAT.",
    ),
    "named": (
        "Elle est trop volumineuse pour ce message ({size} octets) ; nous la tenons à votre"
        " disposition sous le nom {path}.",
        "It is too large for this message ({size} bytes); we hold it ready for you under the name"
        " {path}.",
    ),
    "replaces": (
        "Elle remplace celle que nous vous avons envoyée pour le même mois.",
        "It replaces the one that we sent you for the same month.",
    ),
    "manifest": (
        "Le fichier manifest.csv de l’archive donne la liste des documents avec leurs montants et"
        " leur empreinte SHA-256.",
        "The file manifest.csv in the archive lists the documents with their amounts and their"
        " SHA-256 hashes.",
    ),
    "fingerprint": ("Empreinte SHA-256 de l’archive", "SHA-256 hash of the archive"),
    "one_invoice": ("1 facture", "1 invoice"),
    "invoices": ("{count} factures", "{count} invoices"),
    "one_credit_note": ("1 avoir", "1 credit note"),
    "credit_notes": ("{count} avoirs", "{count} credit notes"),
    "and": ("{first} et {second}", "{first} and {second}"),
    # --- reminders
    "payment_of": ("le règlement", "payment"),
    "balance_of": ("le solde", "the balance"),
    "polite_subject": (
        "Rappel : facture {number}, échue le {due}",
        "Reminder: invoice {number}, due on {due}",
    ),
    "firm_subject": (
        "Relance : facture {number}, impayée depuis le {due}",
        "Overdue: invoice {number}, unpaid since {due}",
    ),
    "formal_subject": (
        "Mise en demeure : facture {number}, échue le {due}",
        "Formal notice: invoice {number}, due on {due}",
    ),
    "polite_intro": (
        "Sauf erreur de notre part, nous n’avons pas encore reçu {what} de la facture {number} du"
        " {date}, échue le {due}.",
        "Unless we are mistaken, we have not yet received {what} of invoice {number} of {date},"
        " which was due on {due}.",
    ),
    "polite_request": (
        "Il s’agit sans doute d’un oubli : nous vous remercions de bien vouloir y remédier. Si"
        " votre paiement a croisé ce message, veuillez ne pas en tenir compte.",
        "This is no doubt an oversight, and we would be grateful if you could see to it. If your"
        " payment has crossed this message, please disregard it.",
    ),
    "firm_intro": (
        "Malgré l’échéance du {due}, et sauf erreur de notre part, {what} de la facture {number}"
        " du {date} ne nous est pas parvenu.",
        "Although it was due on {due}, we have not received {what} of invoice {number} of {date},"
        " unless we are mistaken.",
    ),
    "firm_request": (
        "Nous vous demandons de régler la somme de {total} avant le {deadline}. Si une difficulté"
        " ou un désaccord vous en empêche, merci de nous répondre sans attendre.",
        "We ask you to pay the sum of {total} before {deadline}. Should a difficulty or a"
        " disagreement prevent you from doing so, please reply without delay.",
    ),
    "formal_intro": (
        "À ce jour, {what} de la facture {number} du {date} ne nous est pas parvenu, {days} après"
        " son échéance du {due}.",
        "We have still not received {what} of invoice {number} of {date}, {days} after it was due"
        " on {due}.",
    ),
    "formal_request": (
        "Par la présente, nous vous mettons en demeure de nous régler la somme de {total} au plus"
        " tard le {deadline}. À défaut, nous nous réservons le droit d’engager, sans autre avis,"
        " toute procédure utile au recouvrement de notre créance.",
        "We hereby give you formal notice to pay us the sum of {total} by {deadline} at the"
        " latest. Failing that, we reserve the right to take, without further notice, all steps"
        " required to recover our claim.",
    ),
    "already": ("Déjà réglé ou déduit", "Paid or credited so far"),
    "outstanding": ("Reste à payer", "Amount outstanding"),
    "late": ("{due} ({days} de retard)", "{due} ({days} late)"),
    "one_day": ("1 jour", "1 day"),
    "days": ("{count} jours", "{count} days"),
    "penalty_note": (
        "Pour information, ce retard entraîne de plein droit, au {day} :",
        "For your information, this delay entails by law, as of {day}:",
    ),
    "penalty": (
        "Pénalités de retard ({rate} par an, {days})",
        "Late payment interest ({rate} a year, {days})",
    ),
    "indemnity": (
        "Indemnité forfaitaire pour frais de recouvrement",
        "Fixed compensation for recovery costs",
    ),
    "total": ("Total dû au {day}", "Total due on {day}"),
    "again_attached": (
        "La facture est jointe à ce message.",
        "The invoice is attached to this message.",
    ),
}


def phrase(key: str, language: str, **values: str) -> str:
    """The phrase of WORDS in "fr" or "en", with its {places} filled in.

    French leaves a space before : and ; on which no line may break.
    """
    if language == words.ENGLISH:
        return WORDS[key][1].format(**values)
    spaced = WORDS[key][0].replace(" :", f"{words.NBSP}:").replace(" ;", f"{words.NARROW};")
    return spaced.format(**values)


def count(one: str, many: str, number: int, language: str) -> str:
    """1 facture, 2 factures: the phrases `one` and `many` of WORDS."""
    if number == 1:
        return phrase(one, language)
    return phrase(many, language, count=words.number(Decimal(number), language))
