"""AppyPay's response codes, as its page on errors lists them, in the two languages it answers in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    REQUESTED = "Requested"
    PENDING = "Pending"
    SUCCESS = "Success"
    FAILED = "Failed"
    EXPIRED = "Expired"


@dataclass(frozen=True, slots=True)
class Words:
    status: Status
    english: str
    portuguese: str


SUCCESS = 100
ACCEPTED = 101
NO_FUNDS = 209
NOT_IN_TIME = 211
REFUSED_BY_ISSUER = 221
DECLINED = 231
REFERENCE_EXPIRED = 245
NOT_REACHED = 306
PROVIDER_UNKNOWN = 319
PHONE_MISSING = 717
BAD_AMOUNT = 718
FIELD_MISSING = 719
NOT_FOUND = 720
DUPLICATE = 726
REFUND_TOO_MUCH = 760
BAD_DUE_DATE = 762
REFERENCE_TAKEN = 763
BAD_FORMAT = 800
BAD_OPTIONS = 803
UNKNOWN = -1

WORDS: Mapping[int, Words] = {
    SUCCESS: Words(
        Status.SUCCESS,
        "Thank you! The payment has been successfully registered.",
        "Obrigado! O seu pagamento foi registado com Sucesso.",
    ),
    ACCEPTED: Words(
        Status.PENDING,
        "The request has been accepted for processing.",
        "A solicitação foi aceita para processamento.",
    ),
    NO_FUNDS: Words(
        Status.FAILED,
        "Your balance is insufficient to proceed with the transaction. Please try with another Multicaixa card",
        "O seu saldo é insuficiente para prosseguir com a operação. Por favor tente novamente com outro cartão"
        " Multicaixa.",
    ),
    NOT_IN_TIME: Words(
        Status.FAILED,
        "The payment term has expired. You must authorize your payment within a maximum of 90 seconds."
        " Please try again",
        "O prazo de pagamento expirou. Deverá autorizar o seu pagamento num prazo máximo de 90 segundos."
        " Por favor, tente novamente.",
    ),
    REFUSED_BY_ISSUER: Words(
        Status.FAILED,
        "The payment was refused by Multicaixa Express system. If the problem persist, please contact Multicaixa"
        " Express support team",
        "O seu pagamento foi recusado pelo sistema Multicaixa Express. Se o problema persistir, contacte a equipa de"
        " suporte do Multicaixa Express.",
    ),
    DECLINED: Words(Status.FAILED, "Payment not authorized by the customer", "Pagamento não autorizado pelo cliente."),
    REFERENCE_EXPIRED: Words(Status.EXPIRED, "The payment has expired.", "Data de pagamento expirada"),
    NOT_REACHED: Words(
        Status.FAILED,
        "Failed to reach Multicaixa Express system. Please try again later.",
        "A comunicação com o Multicaixa Express falhou. Por favor tente novamente mais tarde.",
    ),
    PROVIDER_UNKNOWN: Words(
        Status.PENDING,
        "Payment status is pending. We are waiting for the service provider to confirm the payment.",
        "O pagamento está com estado pendente. Estamos a aguardar pela confirmação do prestador de serviços.",
    ),
    PHONE_MISSING: Words(
        Status.FAILED,
        "Phone number missing. Please try again.",
        "Não forneceu a número de telefone. Por favor tente novamente.",
    ),
    BAD_AMOUNT: Words(
        Status.FAILED,
        "Amount has to be greater than zero (0). Please try again",
        "O valor do pagamento tem que ser superior a zero (0). Por favor tente novamente.",
    ),
    FIELD_MISSING: Words(Status.FAILED, "Field(s) [{}] not provided", "Campo [{}] não providenciado"),
    NOT_FOUND: Words(Status.FAILED, "Transaction [{}] was not found", "A transação [{}] não encontrada"),
    DUPLICATE: Words(
        Status.FAILED,
        "The requested  reference number [{}] already exists",
        "A referência do comerciante [{}] solicitado já existe.",
    ),
    REFUND_TOO_MUCH: Words(
        Status.FAILED,
        "Refund amount request can not be more than amount paid.",
        "Solicitação de valor de reembolso não pode ser superior ao valor pago.",
    ),
    BAD_DUE_DATE: Words(
        Status.FAILED,
        "Due Date can not be less than current dateTime",
        "A data de vencimento não pode ser menor que a data/hora atual",
    ),
    REFERENCE_TAKEN: Words(
        Status.FAILED, "Reference number [{}] already exists", "Número de referência [{}] já existe"
    ),
    BAD_FORMAT: Words(
        Status.FAILED,
        "Request is null or with wrong format.",
        "O pedido é nulo ou com formato incorrecto.",
    ),
    BAD_OPTIONS: Words(Status.FAILED, "Invalid custom options", "Opções do comerciante inválidas"),
    UNKNOWN: Words(Status.FAILED, "Unknown", "Desconhecido"),
}


def message(code: int, language: str, about: str = "") -> str:
    """`pt-BR` is what the gateway speaks unless asked for `en`."""
    words = WORDS[code]
    return (words.english if language.lower().startswith("en") else words.portuguese).replace("{}", about)
