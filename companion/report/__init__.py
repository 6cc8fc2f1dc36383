"""What a day or month came to: figures for the merchant, the same as text, HTML and XLSX."""
