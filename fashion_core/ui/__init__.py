"""All that pages share and that imports streamlit."""
